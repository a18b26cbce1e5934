// The routes of live rooms alone: mixing, audience, custom fields.
#include <algorithm>
#include <utility>

#include "rooms/api.h"

namespace sluice::rooms {
namespace {

/// Entries of get_audiences, the seed's number; audienceCount counts all.
constexpr std::size_t kAudienceListed = 30;

Json no_room() { return answer(ApiCode::kNoRoom, "no such room"); }

/// How many streams a layout has; nothing when it is no layout.
std::optional<std::size_t> input_count(const nlohmann::json& layout) {
  static const nlohmann::json::json_pointer kInputs{"/interface/para/input_stream_list"};
  if (!layout.is_object() || !layout.contains(kInputs)) return std::nullopt;
  const nlohmann::json& inputs = layout.at(kInputs);
  if (!inputs.is_array() || inputs.empty()) return std::nullopt;
  const bool named = std::all_of(inputs.begin(), inputs.end(), [](const nlohmann::json& input) {
    return input.is_object() && input.contains("input_stream_id") &&
           input.at("input_stream_id").is_string();
  });
  if (!named) return std::nullopt;
  return inputs.size();
}

std::optional<CustomOperation> operation_of(std::string_view name) {
  if (name == "inc") return CustomOperation::kIncrease;
  if (name == "dec") return CustomOperation::kDecrease;
  if (name == "set") return CustomOperation::kSet;
  return std::nullopt;
}

}  // namespace

Json Api::merge_stream(const ApiCall& call) {
  const auto layout = call.body.json("mergeParams");
  const auto inputs = layout ? input_count(*layout) : std::nullopt;
  if (!inputs) {
    return answer(ApiCode::kBadValue, "mergeParams: JSON with interface.para.input_stream_list");
  }
  const auto key = room_key(call);
  const Room* const room = key ? store_.find(*key) : nullptr;
  if (room == nullptr) return no_room();
  if (room->creator != call.user) return answer(ApiCode::kNoRoom, "only the creator may do that");
  const std::string text = layout->dump(-1, ' ', false, Json::error_handler_t::replace);
  if (store_.set_layout(*key, text) != Outcome::kOk) {
    return answer(ApiCode::kBadValue, "mergeParams: 8192 bytes at most");
  }
  // One stream alone is its own mix.
  const bool mixed = *inputs == 1;
  Json json = ok();
  json["result"] =
      answer(mixed ? ApiCode::kOk : ApiCode::kNotMixed, mixed ? "ok" : "mixing not available");
  json["result"]["timestamp"] = call.moment.wall.value;
  return json;
}

Json Api::add_audience(const ApiCall& call) {
  const auto key = room_key(call);
  const auto info = call.body.text("userInfo");
  if (!info || info->size() > kViewerInfoBytesMax) {
    return answer(ApiCode::kBadParameter, "userInfo: a text of 1536 bytes at most");
  }
  const Outcome outcome =
      key ? store_.add_viewer(*key, {.user = call.user, .info = *info}) : Outcome::kNoRoom;
  if (outcome == Outcome::kNoRoom) return no_room();
  if (outcome == Outcome::kViewersFull) {
    return answer(ApiCode::kBadParameter, "the audience is full");
  }
  return outcome == Outcome::kOk ? ok() : answer(ApiCode::kFailed, "the room lets nobody in");
}

/// Who is not in the audience is gone from it: that is no error, as the seed has it.
Json Api::delete_audience(const ApiCall& call) {
  if (const auto key = room_key(call)) static_cast<void>(store_.remove_viewer(*key, call.user));
  return ok();
}

Json Api::audiences(const ApiCall& call) {
  const auto key = room_key(call);
  const Room* const room = key ? store_.find(*key) : nullptr;
  Json list = Json::array();
  if (room != nullptr) {
    for (const Viewer& viewer : room->viewers) {
      if (list.size() == kAudienceListed) break;
      list.push_back({{"userID", viewer.user.view()}, {"userInfo", viewer.info}});
    }
  }
  Json json = ok();
  json["audienceCount"] = room == nullptr ? 0 : room->viewers.size();
  json["audiences"] = std::move(list);
  return json;
}

Json Api::custom_info(const ApiCall& call) {
  const auto key = room_key(call);
  const Room* const room = key ? store_.find(*key) : nullptr;
  if (room == nullptr) return no_room();
  Json json = ok();
  json["custom"] = custom_text(*room);
  return json;
}

Json Api::set_custom_field(const ApiCall& call) {
  const auto key = room_key(call);
  const auto field = call.body.text("fieldName");
  const auto operation = operation_of(call.body.text("operation").value_or(""));
  if (!field || !operation) {
    return answer(ApiCode::kBadParameter, "fieldName: a text; operation: inc, dec or set");
  }
  std::string value;
  if (*operation == CustomOperation::kSet) {
    const auto given = call.body.has("value") ? call.body.json("value") : std::nullopt;
    const auto text = call.body.text("value");
    if (!given && !text) return answer(ApiCode::kBadParameter, "missing: value");
    // A text that is no JSON stands for itself.
    const nlohmann::json kept =
        given && given->is_primitive() ? *given : nlohmann::json(text.value_or(""));
    if (given && !given->is_primitive() && !text) {
      return answer(ApiCode::kBadParameter, "value: a text, a number, true or false");
    }
    value = kept.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  const Outcome outcome =
      key ? store_.set_custom(*key, *field, *operation, std::move(value)) : Outcome::kNoRoom;
  if (outcome == Outcome::kNoRoom) return no_room();
  if (outcome != Outcome::kOk) {
    return answer(ApiCode::kBadParameter, "this field cannot be set so");
  }
  Json json = ok();
  json["custom"] = custom_text(*store_.find(*key));
  return json;
}

}  // namespace sluice::rooms
