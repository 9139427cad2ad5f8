// What a program may know of whose it is: the account, the models that are offered, what is used, the tokens.
#include "http/anonymous_forms.hpp"
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/api/known_limits.hpp"
#include "http/token_making.hpp"

namespace varro::api {

namespace {

json json_of(const model_config& model, const model_choices& choices) {
  json value{{"id", model.id},
             {"label", model.label.empty() ? model.id : model.label},
             {"provider", model.provider},
             {"default", model.id == choices.default_model},
             {"vision", model.vision},
             {"tools", model.tools}};
  if (model.context_tokens_max > 0)
    value["context_tokens_max"] = model.context_tokens_max;
  if (const auto mark = choices.mark(model); !mark.empty())
    value["note"] = mark;
  return value;
}

json json_of(const token_record& token) {
  auto scopes = json::array();
  if (token.scopes.read)
    scopes.push_back("read");
  if (token.scopes.chat)
    scopes.push_back("chat");
  if (token.scopes.admin)
    scopes.push_back("admin");
  json value{{"id", token.id},
             {"label", token.label},
             {"scopes", std::move(scopes)},
             {"created_at", token.created_at},
             {"expires_at", token.expires_at}};
  if (token.last_used_at != 0)
    value["last_used_at"] = token.last_used_at;
  return value;
}

// As the page's form would send it.
struct token_wanted {
  std::string label, scopes, expires;
};
std::optional<token_wanted> read_wanted(const json& body) {
  token_wanted wanted;
  auto text = [&](const char* name, std::string& to) {
    const auto found = body.find(name);
    if (found == body.end() || !found->is_string())
      return false;
    to = found->get<std::string>();
    return true;
  };
  const auto scopes = body.find("scopes");
  if (!text("label", wanted.label) || !text("expires", wanted.expires) || scopes == body.end() || !scopes->is_array())
    return std::nullopt;
  for (const auto& each : *scopes) {
    if (!each.is_string())
      return std::nullopt;
    wanted.scopes += (wanted.scopes.empty() ? "" : ",") + each.get<std::string>();
  }
  return wanted;
}

} // namespace

reply show_me(application&, const route_call&, const visitor& who) {
  json value{{"name", who.user.name}, {"role", who.user.role}};
  if (!who.by_token && !who.csrf.empty())
    value["csrf_token"] = who.csrf;
  return json_reply(200, value);
}

reply list_models(application& app, const route_call& call, const visitor& who) {
  auto models = offered_models(
    app, who, [](const model_config& model, const model_choices& choices) { return json_of(model, choices); });
  if (!models)
    return app.error_reply(call.request, models.error());
  return with_etag(call.request, json_reply(200, {{"models", std::move(*models)}}));
}

reply show_usage(application& app, const route_call& call, const visitor& who) {
  auto allowance = app.allowance_of(who);
  if (!allowance)
    return app.error_reply(call.request, allowance.error());
  auto result = json_reply(200, varro::json_of(**allowance));
  tell_limits(result, **allowance);
  return result;
}

reply list_tokens(application& app, const route_call& call, const visitor& who) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  auto tokens = app.ask<std::vector<token_record>>(app.services.token_reader, token_atom_v, who.user.id);
  if (!tokens)
    return app.error_reply(call.request, tokens.error());
  auto list = json::array();
  for (const auto& token : *tokens)
    list.push_back(json_of(token));
  return json_reply(200, {{"tokens", std::move(list)}});
}

reply make_token(application& app, const route_call& call, const visitor& who) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  auto body = json_body(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&body))
    return refused_reply(app, call, *refused);
  const auto wanted = read_wanted(std::get<json>(body));
  if (!wanted)
    return app.error_reply(call.request, 422,
                           "A token has a \"label\", \"scopes\", and a time after which it \"expires\".");
  auto made = make_token_of(app, call.request, who, wanted->label, wanted->scopes, wanted->expires);
  if (const auto* refused = std::get_if<refused_request>(&made))
    return refused_reply(app, call, *refused);
  auto value = json_of(std::get<wished_token>(made).record);
  value["token"] = std::get<wished_token>(made).token;
  auto result = json_reply(201, value);
  result.headers.emplace_back("Location", "/api/v1/tokens/" + std::get<wished_token>(made).record.id);
  return result;
}

reply revoke_token(application& app, const route_call& call, const visitor& who) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  auto failed = revoke_token_of(app, call.request, who, call.segment("id"));
  return failed ? app.error_reply(call.request, failed) : empty_reply(204);
}

} // namespace varro::api
