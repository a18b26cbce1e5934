// docs/openapi.json held against the routes: paths, methods, fields, codes.
#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rooms/v1.h"

namespace sluice::rooms {
namespace {

using nlohmann::json;

json contract() {
  std::ifstream file(SLUICE_SOURCE_FOLDER "/docs/openapi.json");
  return json::parse(file, nullptr, false);
}

/// Also of each alternative.
void add_fields(const json& schema, std::set<std::string>& names) {
  if (schema.contains("properties")) {
    EXPECT_EQ(schema.value("additionalProperties", true), false) << "unknown fields are refused";
    for (const auto& [name, value] : schema["properties"].items()) names.insert(name);
  }
  if (!schema.contains("oneOf")) return;
  for (const json& one : schema["oneOf"]) add_fields(one, names);
}

std::set<std::string> fields_of(const json& operation) {
  std::set<std::string> names;
  const json::json_pointer kBody{"/requestBody/content/application~1json/schema"};
  if (operation.contains(kBody)) add_fields(operation.at(kBody), names);
  return names;
}

TEST(OpenApi, HasTheRoutesWithTheirFieldsAndNoOther) {
  const json document = contract();
  ASSERT_TRUE(document.is_object());
  EXPECT_EQ(document["openapi"], "3.1.0");
  std::set<std::string> told, made;
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [name, operation] : item.items()) {
      if (name == "parameters") continue;
      std::string method = name;
      std::transform(method.begin(), method.end(), method.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      told.insert(method + " " + path);
      EXPECT_TRUE(operation["responses"].contains("default")) << method << path;
    }
  }
  for (const V1::Route& route : V1::routes()) {
    made.insert(std::string{route.method} + " " + route.path);
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::set<std::string> fields;
    for (const char* field : route.fields) {
      if (field != nullptr) fields.insert(field);
    }
    EXPECT_EQ(fields_of(document["paths"].value(route.path, json::object())[method]), fields)
        << method << route.path;
  }
  EXPECT_EQ(told, made);
}

TEST(OpenApi, HasTheCodesOfTheTable) {
  const json document = contract();
  std::set<std::string> told, made;
  const json::json_pointer kCodes{"/components/schemas/Problem/properties/code/enum"};
  for (const json& code : document.at(kCodes)) told.insert(code.get<std::string>());
  for (const ProblemRow& row : problem_rows()) made.insert(std::string{row.code});
  EXPECT_EQ(told, made);
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
  const json document = contract();
  const std::string text = document.dump();
  const std::string mark = "\"$ref\":\"#";
  std::size_t count = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const std::size_t begin = at + mark.size();
    const std::string pointer = text.substr(begin, text.find('"', begin) - begin);
    EXPECT_TRUE(document.contains(json::json_pointer{pointer})) << pointer;
    ++count;
  }
  EXPECT_GT(count, 10U);
}

}  // namespace
}  // namespace sluice::rooms
