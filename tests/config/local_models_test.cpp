#include "config/local_models.hpp"
#include "tests/config/support.hpp"
#include "tests/support/scripted_server.hpp"

using namespace varro;
using namespace varro::test;

namespace {

// A port on which nothing listens: one that was just free.
std::string closed_server() {
  scripted_server server{[](const std::string&) { return std::vector<server_step>{}; }};
  return "http://127.0.0.1:" + std::to_string(server.port());
}

std::string base(const scripted_server& server) {
  return "http://127.0.0.1:" + std::to_string(server.port());
}

std::vector<server_step> answer(const std::string& body, int status = 200) {
  return {send_bytes(http_response(status, "application/json", body))};
}

local_servers both(const std::string& ollama, const std::string& llamacpp) {
  local_servers servers;
  servers.ollama = ollama;
  servers.llamacpp = llamacpp;
  servers.connect_max = servers.answer_max = std::chrono::seconds{20}; // never reached where a server answers
  return servers;
}

} // namespace

TEST_CASE("models of Ollama and llama.cpp on loopback are offered without a key") {
  scripted_server ollama{[](const std::string& request) {
    return request.starts_with("GET /api/tags ") ? answer(R"({"models":[{"name":"llama3:8b"},{"name":"qwen3:4b"}]})")
                                                 : answer(R"({"data":[{"id":"llama3:8b"}]})");
  }};
  scripted_server llamacpp{[](const std::string& request) {
    return request.starts_with("GET /v1/models ") ? answer(R"({"data":[{"id":"/models/gemma.gguf"}]})")
                                                  : answer("", 404);
  }};
  auto models = discover_local_models(both(base(ollama), base(llamacpp)));
  REQUIRE(models.size() == 3);
  CHECK(models[0].id == "ollama:llama3:8b");
  CHECK(models[0].provider == "ollama");
  CHECK(models[0].kind == provider_kind::openai);
  CHECK(models[0].base_url == base(ollama) + "/v1");
  CHECK(models[0].api_key.empty());
  CHECK(models[1].name == "qwen3:4b");
  CHECK(models[2].provider == "llamacpp");
  CHECK(models[2].name == "/models/gemma.gguf");
  CHECK(models[2].label == "gemma.gguf (llama.cpp)");
}

TEST_CASE("an Ollama that knows only one of the two lists is found too") {
  scripted_server ollama{[](const std::string& request) {
    return request.starts_with("GET /v1/models ") ? answer(R"({"data":[{"id":"a"}]})") : answer("{}", 404);
  }};
  CHECK(discover_local_models(both(base(ollama), closed_server())).size() == 1);
}

TEST_CASE("without a server there are no models") {
  CHECK(discover_local_models(both(closed_server(), closed_server())).empty());
}

TEST_CASE("a server that fails or never answers offers nothing and hinders nobody else") {
  scripted_server silent{[](const std::string&) { return std::vector<server_step>{hold()}; }};
  scripted_server failing{[](const std::string&) { return answer(R"({"data":[{"id":"a"}]})", 500); }};
  auto servers = both(base(silent), base(failing));
  servers.answer_max = std::chrono::milliseconds{200};
  CHECK(discover_local_models(servers).empty());
  scripted_server working{[](const std::string&) { return answer(R"({"data":[{"id":"a"}]})"); }};
  auto half = both(base(silent), base(working));
  half.answer_max = std::chrono::seconds{2};
  CHECK(discover_local_models(half).size() == 1);
}

TEST_CASE("an answer above the size limit is dropped, and one at the limit is read") {
  auto sized = [](size_t bytes) {
    return [bytes](const std::string&) {
      std::string body = R"({"data":[{"id":"a"}]})";
      return answer(body + std::string(bytes - body.size(), ' '));
    };
  };
  scripted_server fits{sized(local_answer_bytes_max)}, too_large{sized(local_answer_bytes_max + 1)};
  CHECK(discover_local_models(both(closed_server(), base(fits))).size() == 1);
  CHECK(discover_local_models(both(closed_server(), base(too_large))).empty());
}

TEST_CASE("names are read from both forms of a list") {
  CHECK(names_of_models(R"({"data":[{"id":"a"},{"id":"b"}]})") == std::vector<std::string>{"a", "b"});
  CHECK(names_of_models(R"({"models":[{"name":"a","model":"x"}]})") == std::vector<std::string>{"a"});
  CHECK(names_of_models(R"({"data":[{"id":"a"}],"models":[{"name":"a"}]})") == std::vector<std::string>{"a"});
}

TEST_CASE("embedding models are left out") {
  CHECK(names_of_models(R"({"models":[{"name":"nomic-embed-text:latest"},{"name":"a"}]})")
        == std::vector<std::string>{"a"});
}

TEST_CASE("answers of another form give no names") {
  for (auto text :
       {"", "null", "[]", "3", "<html>", "{", R"({"data":3})", R"({"data":[3,null,[]]})", R"({"data":{"id":"a"}})",
        R"({"data":[{"id":3}]})", R"({"data":[{}]})", R"({"data":[{"id":""}]})"}) {
    CAPTURE(text);
    CHECK(names_of_models(text).empty());
  }
}

TEST_CASE("hostile names are left out and good ones beside them kept") {
  auto long_name = std::string(201, 'x');
  CHECK(names_of_models(R"({"data":[{"id":"a\r\nb"},{"id":"a b"},{"id":"\u0000"},{"id":")" + long_name
                        + R"("},{"id":"ok"}]})")
        == std::vector<std::string>{"ok"});
  CHECK(names_of_models(R"({"data":[{"id":")" + long_name.substr(1) + R"("}]})").size() == 1);
}

TEST_CASE("the number of models and the nesting of an answer are bounded") {
  std::string many;
  for (size_t i = 0; i <= local_models_max; ++i)
    many += (i ? "," : "") + std::string{R"({"id":"m)"} + std::to_string(i) + R"("})";
  CHECK(names_of_models("{\"data\":[" + many + "]}").size() == local_models_max);
  auto nested = [](size_t depth) {
    return R"({"data":[{"id":"a[[[\"[["}],"x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(names_of_models(nested(49)).size() == 1);
  CHECK(names_of_models(nested(50)).empty());
  CHECK(names_of_models(nested(400'000)).empty());
}
