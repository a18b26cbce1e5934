// TimerHeap<Owner>: the deadlines of a worker's links in one binary heap, so that the loop has one
// timer and no link has its own. The node lies inside its owner, which removes it before it dies;
// moving a deadline is O(log n) and allocates nothing once the heap has grown to its number of
// links.
#pragma once

#include <cstddef>
#include <vector>

#include "proto/base/check.h"
#include "proto/base/time.h"

namespace sluice::relay {

template <class Owner>
class TimerHeap {
 public:
  struct Node {
    Owner* owner = nullptr;
    Instant at = kNever;
    std::size_t place = kNowhere;

    bool armed() const { return place != kNowhere; }
  };

  /// Arms, moves or, with kNever, cancels.
  void set(Node& node, Instant at) {
    if (at == kNever) return remove(node);
    if (node.place == kNowhere) {
      node.place = nodes_.size();
      nodes_.push_back(&node);
    } else if (node.at == at) {
      return;
    }
    node.at = at;
    sift_up(node.place);
    sift_down(node.place);
  }

  void remove(Node& node) {
    node.at = kNever;
    if (node.place == kNowhere) return;
    const std::size_t hole = node.place;
    node.place = kNowhere;
    Node* last = nodes_.back();
    nodes_.pop_back();
    if (last == &node) return;
    put(hole, last);
    sift_up(hole);
    sift_down(last->place);
  }

  Instant next() const { return nodes_.empty() ? kNever : nodes_.front()->at; }

  /// The owner of the earliest deadline at or before `now`, disarmed; nullptr when there is none.
  Owner* pop_due(Instant now) {
    if (next() > now || nodes_.empty()) return nullptr;
    Node* node = nodes_.front();
    remove(*node);
    return node->owner;
  }

  std::size_t size() const { return nodes_.size(); }

 private:
  static constexpr std::size_t kNowhere = SIZE_MAX;

  void put(std::size_t place, Node* node) {
    nodes_[place] = node;
    node->place = place;
  }

  void sift_up(std::size_t place) {
    Node* node = nodes_[place];
    while (place > 0) {
      const std::size_t parent = (place - 1) / 2;
      if (nodes_[parent]->at <= node->at) break;
      put(place, nodes_[parent]);
      place = parent;
    }
    put(place, node);
  }

  void sift_down(std::size_t place) {
    Node* node = nodes_[place];
    for (;;) {
      std::size_t child = 2 * place + 1;
      if (child >= nodes_.size()) break;
      if (child + 1 < nodes_.size() && nodes_[child + 1]->at < nodes_[child]->at) ++child;
      if (nodes_[child]->at >= node->at) break;
      put(place, nodes_[child]);
      place = child;
    }
    put(place, node);
  }

  std::vector<Node*> nodes_;
};

}  // namespace sluice::relay
