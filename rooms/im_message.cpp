#include "rooms/im_message.h"

#include <algorithm>

#include "rooms/request_body.h"

namespace sluice::rooms {
namespace {

/// Sender of what the service says itself; no user may have this name.
constexpr std::string_view kSystem = "@TIM#SYSTEM";

/// What `cmd` of the first element says: the seed's two messages to a group.
constexpr std::string_view kTextMessage = "CustomTextMsg";
constexpr std::string_view kCommandMessage = "CustomCmdMsg";

constexpr int kReportDissolved = 5;
constexpr int kReportCustom = 255;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const nlohmann::json* field(const nlohmann::json& json, const char* name) {
  const auto at = json.find(name);
  return at == json.end() ? nullptr : &*at;
}

bool is_text(const nlohmann::json* value) { return value != nullptr && value->is_string(); }

/// Every element has a type of the three, and an object of texts (an emotion: with a number).
bool is_element(const nlohmann::json& element) {
  if (!element.is_object() || !is_text(field(element, "MsgType"))) return false;
  const auto* content = field(element, "MsgContent");
  if (content == nullptr || !content->is_object()) return false;
  const std::string type = element.at("MsgType");
  if (type == "TIMTextElem") return is_text(field(*content, "Text"));
  if (type == "TIMCustomElem") return is_text(field(*content, "Data"));
  const auto* index = field(*content, "Index");
  return type == "TIMFaceElem" && index != nullptr && index->is_number();
}

/// Clients join the texts of all elements, cut at the first "}}", and parse what stands before.
bool is_command(const std::string& data) {
  const std::size_t end = data.find("}}");
  if (end == std::string::npos || end + 2 != data.size()) return false;
  const nlohmann::json command = parse_json(data);
  const auto* inner = command.is_object() ? field(command, "data") : nullptr;
  return inner != nullptr && inner->is_object() && is_text(field(command, "cmd"));
}

bool is_drawing(const nlohmann::json& content) {
  const auto* extension = field(content, "Ext");
  return is_text(extension) && *extension == "TXWhiteBoardExt";
}

Json system_item(const RoomId& group, int report, UnixSeconds at) {
  return {{"Event", 5},
          {"From_Account", kSystem},
          {"ToGroupId", group.view()},
          {"MsgTimeStamp", at.value},
          {"GroupInfo", {{"GroupName", group.view()}}},
          {"MsgBody", {{"ReportType", report}, {"Operator_Account", kSystem}}}};
}

/// {..} becomes {"NAME":NUMBER,..}.
std::string numbered(const std::string& item, std::string_view name, std::uint64_t number) {
  return "{\"" + std::string{name} + "\":" + std::to_string(number) + "," + item.substr(1);
}

constexpr std::string_view kGood = R"("ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"")";

}  // namespace

bool is_message_body(const nlohmann::json& body) {
  if (!body.is_array() || body.empty() || body.size() > kMessageElementsMax) return false;
  if (!std::all_of(body.begin(), body.end(), is_element)) return false;
  const nlohmann::json& first = body.front();
  if (first.at("MsgType") != "TIMCustomElem") return false;
  const nlohmann::json& content = first.at("MsgContent");
  return is_drawing(content) || is_command(content.at("Data").get<std::string>());
}

std::optional<SaidMessage> message_of(const nlohmann::json& body) {
  const auto* data = field(body.front().at("MsgContent"), "Data");
  if (!is_text(data)) return std::nullopt;
  const nlohmann::json element = parse_json(data->get<std::string>());
  const auto* kind = element.is_object() ? field(element, "cmd") : nullptr;
  if (kind == nullptr) return std::nullopt;
  SaidMessage said;
  if (*kind == kCommandMessage) {
    const auto* inner = field(element, "data");
    const auto* command = inner != nullptr && inner->is_object() ? field(*inner, "cmd") : nullptr;
    if (!is_text(command) || command->get<std::string>().empty()) return std::nullopt;
    said.command = command->get<std::string>();
  } else if (*kind != kTextMessage) {
    return std::nullopt;
  }
  for (const nlohmann::json& part : body) {
    const auto* text = field(part.at("MsgContent"), "Text");
    if (is_text(text)) said.text += text->get<std::string>();
  }
  if (said.command.empty() && said.text.empty()) return std::nullopt;
  return said;
}

nlohmann::json body_of(const SaidMessage& said) {
  Json inner = {{"nickName", said.user.view()}, {"headPic", ""}};
  if (!said.command.empty()) inner["cmd"] = said.command;
  const Json element = {{"cmd", said.command.empty() ? kTextMessage : kCommandMessage},
                        {"data", std::move(inner)}};
  return nlohmann::json::array(
      {{{"MsgType", "TIMCustomElem"},
        {"MsgContent", {{"Data", dump(element)}, {"Desc", ""}, {"Ext", ""}}}},
       {{"MsgType", "TIMTextElem"}, {"MsgContent", {{"Text", said.text}}}}});
}

std::string group_item(const RoomId& group, const Said& said, UnixSeconds at) {
  return dump({{"Event", 3},
               {"From_Account", said.from.view()},
               {"ToGroupId", group.view()},
               {"MsgRandom", said.random},
               {"MsgTimeStamp", at.value},
               {"MsgPriority", 2},
               {"GroupInfo", {{"GroupName", group.view()}, {"From_AccountNick", said.nick}}},
               {"MsgBody", Json(said.body)}});
}

std::string user_item(const UserId& to, const Said& said, UnixSeconds at) {
  return dump({{"From_Account", said.from.view()},
               {"To_Account", to.view()},
               {"MsgSeq", said.sequence},
               {"MsgRandom", said.random},
               {"MsgTimeStamp", at.value},
               {"MsgBody", Json(said.body)}});
}

std::string pushers_changed_item(const RoomId& group, UnixSeconds at) {
  Json item = system_item(group, kReportCustom, at);
  item["MsgBody"]["UserDefinedField"] = R"({"cmd":"notifyPusherChange","data":""})";
  return dump(item);
}

std::string dissolved_item(const RoomId& group, UnixSeconds at) {
  return dump(system_item(group, kReportDissolved, at));
}

std::string poll_answer_json(const PollAnswer& answer) {
  if (answer.kind == PollAnswer::Kind::kPushedOff) {
    return dump(im_answer(ImError::kLoggedInElsewhere, "logged in elsewhere"));
  }
  const std::string number = std::to_string(answer.number);
  if (answer.kind == PollAnswer::Kind::kUser) {
    if (!answer.item) return dump(im_answer(ImError::kNothingCame, "nothing came"));
    return "{" + std::string{kGood} + R"(,"EventArray":[{"Event":9,"NoticeSeq":)" + number +
           R"(,"C2cMsgArray":[)" + numbered(*answer.item, "NoticeSeq", answer.number) + "]}]}";
  }
  const auto hold = std::chrono::duration_cast<std::chrono::seconds>(kPollHold).count();
  const std::uint64_t next = answer.number + (answer.item ? 1 : 0);
  return "{" + std::string{kGood} + R"(,"NextSeq":)" + std::to_string(next) + R"(,"HoldTime":)" +
         std::to_string(hold) + R"(,"Key":")" + answer.key + R"(","RspMsgList":[)" +
         (answer.item ? numbered(*answer.item, "MsgSeq", answer.number) : "") + "]}";
}

Json im_answer(ImError error, std::string_view text) {
  return {{"ActionStatus", error == ImError::kOk ? "OK" : "FAIL"},
          {"ErrorCode", static_cast<std::int32_t>(error)},
          {"ErrorInfo", text}};
}

Json im_ok() { return im_answer(ImError::kOk, ""); }

}  // namespace sluice::rooms
