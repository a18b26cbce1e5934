#include "net/http_url.h"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

TEST(HttpUrl, NamesSchemeHostPortAndPath) {
  const struct {
    const char *url, *host, *authority, *path;
    int port;
    bool tls = false;
  } kGood[] = {
      {"http://h", "h", "h", "/", 80},
      {"http://h:8080/a?b=c", "h", "h:8080", "/a?b=c", 8080},
      {"http://192.0.2.1/x", "192.0.2.1", "192.0.2.1", "/x", 80},
      {"http://[2001:db8::1]/x", "2001:db8::1", "[2001:db8::1]", "/x", 80},
      {"http://[2001:db8::1]:9/", "2001:db8::1", "[2001:db8::1]:9", "/", 9},
      {"https://h/x", "h", "h", "/x", 443, true},
      {"https://[2001:db8::1]", "2001:db8::1", "[2001:db8::1]", "/", 443, true},
      {"https://h:80", "h", "h:80", "/", 80, true},
  };

  for (const auto& c : kGood) {
    const auto url = parse_http_url(c.url);
    ASSERT_TRUE(url) << c.url;
    EXPECT_EQ(url->tls, c.tls) << c.url;
    EXPECT_EQ(url->host.host, c.host) << c.url;
    EXPECT_EQ(url->host.port, c.port) << c.url;
    EXPECT_EQ(url->authority, c.authority) << c.url;
    EXPECT_EQ(url->path, c.path) << c.url;
  }
  for (const char* url :
       {"", "h", "ftp://h/", "http://", "https://", "http:///x", "http://h:x/", "http://h:99999/",
        "http://a b/", "http://h/a\r\nX: y", "http://u@h/", "HTTPS://h/"}) {
    EXPECT_FALSE(parse_http_url(url)) << url;
  }
}

}  // namespace
}  // namespace sluice::net
