//! What is compared: ways to authorize a request in one Envoy, each behind a port of its own.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use usher_scenario::token::KeyRing;

use crate::bare_filter::BareFilter;
use crate::people::{CLAIMS, HOST, ISSUER, TAGS, policy};

/// One way.
pub(crate) struct Variant {
    /// Its name in results.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) title: &'static str,
    /// The HTTP filters before the router.
    pub(crate) filters: Vec<Value>,
    /// What the requests carry.
    pub(crate) tokens: Tokens,
    /// Which other process works for it.
    pub(crate) service: Option<Service>,
    /// Of whose figures those of this one are taken: what it adds is told beside that.
    pub(crate) base: &'static str,
}

/// Which tokens requests carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tokens {
    Rs256,
    Es256,
    EdDsa,
    /// Of people whose groups change with each login.
    Changing,
}

/// A process beside Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    HttpAuthz,
    GrpcAuthz,
    Plain,
    Store,
}

/// The builds of usher that are compared.
pub(crate) struct Builds<'a> {
    pub(crate) own: &'a Path,
    /// Another one beside it.
    pub(crate) other: Option<&'a Path>,
}

/// Everything that is compared, in the order of the report. Filters that are no builds of usher are put into this folder.
///
/// # Errors
/// No key can be made, or no file.
pub(crate) fn all(builds: &Builds<'_>, folder: &Path) -> Result<Vec<Variant>> {
    use Tokens::{Changing, EdDsa, Es256, Rs256};
    let one = |name, title, filters, tokens| Variant { name, title, filters, tokens, service: None, base: "router" };
    let bare = |name, filter: BareFilter| -> Result<_> {
        let file = folder.join(format!("{name}.wasm"));
        std::fs::write(&file, filter.module()?)?;
        Ok(vec![wasm(name, &file, "")])
    };
    let build = |id, file, capacity| -> Result<_> { Ok(vec![wasm(id, file, &policy(capacity)?.to_string())]) };
    let usher = |id, capacity| build(id, builds.own, capacity);
    let four = CLAIMS.get(..4).unwrap_or(&CLAIMS);
    let first_sight = |name, title, tokens| -> Result<_> {
        Ok(Variant { service: Some(Service::Store), ..one(name, title, usher("usher-first", 1)?, tokens) })
    };
    let mut all = vec![
        one("router", "router alone", vec![], Rs256),
        one("noop", "a wasm filter that does nothing", bare("noop", BareFilter::default())?, Rs256),
        one("jwt-4", "`jwt_authn` with cache, 4 claims to headers, RBAC", jwt(true, four)?, Rs256),
        one("jwt-6", "`jwt_authn` with cache, 6 claims to headers, RBAC", jwt(true, &CLAIMS)?, Rs256),
        one("jwt-metadata", "the same, plus claims in dynamic metadata for RBAC", jwt_with_metadata()?, Rs256),
        one(
            "bare-session",
            "wasm with only the host calls of a session",
            bare("bare-session", BareFilter::default().read().tag())?,
            Rs256,
        ),
        one("usher", "**usher, a session**", usher("usher-session", 10_000)?, Rs256),
        one("lua", "Lua: a table of tokens, 6 headers", vec![lua()], Rs256),
        Variant {
            service: Some(Service::HttpAuthz),
            ..one("authz-http", "`ext_authz`, HTTP", vec![http_authz()], Rs256)
        },
        Variant {
            service: Some(Service::GrpcAuthz),
            ..one("authz-grpc", "`ext_authz`, gRPC", vec![grpc_authz()], Rs256)
        },
        one("jwt-rs256", "`jwt_authn` without cache, 6 claims to headers, RBAC: RS256", jwt(false, &CLAIMS)?, Rs256),
        one("jwt-es256", "the same: ES256", jwt(false, &CLAIMS)?, Es256),
        one("jwt-eddsa", "the same: EdDSA", jwt(false, &CLAIMS)?, EdDsa),
        Variant {
            service: Some(Service::Plain),
            ..one(
                "call",
                "a wasm filter that makes one call and waits for it",
                bare("call", BareFilter::default().call("plain")?)?,
                Rs256,
            )
        },
        Variant {
            service: Some(Service::Store),
            ..one(
                "login",
                "the same, which is a login of one member",
                bare("login", BareFilter::default().call("store")?)?,
                Rs256,
            )
        },
        Variant {
            service: Some(Service::Store),
            ..one(
                "bare-first",
                "wasm with only the host calls of a first sight: RS256",
                bare("bare-first", BareFilter::default().read().verify()?.call("store")?.tag())?,
                Rs256,
            )
        },
        first_sight("first-rs256", "**usher, first sight of a known member: RS256**", Rs256)?,
        first_sight("first-es256", "**the same: ES256**", Es256)?,
        first_sight("first-eddsa", "**the same: EdDSA**", EdDsa)?,
        first_sight("write", "**usher, a login that changes the member: RS256**", Changing)?,
    ];
    if let Some(other) = builds.other {
        let first = build("beside-first", other, 1)?;
        all.extend([
            one("beside-session", "the other build, a session", build("beside-session", other, 10_000)?, Rs256),
            Variant {
                service: Some(Service::Store),
                ..one("beside-first", "the other build, first sight: RS256", first, Rs256)
            },
        ]);
    }
    Ok(all)
}

/// A wasm filter with this configuration.
pub(crate) fn wasm(id: &str, module: &Path, configuration: &str) -> Value {
    json!({
        "name": id,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": id,
                "root_id": id,
                "failure_policy": "FAIL_RELOAD",
                "allow_on_headers_stop_iteration": false,
                "vm_config": {
                    "vm_id": id,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": module}},
                    "environment_variables": {"host_env_keys": ["USHER_STORE_TOKEN"]},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": configuration,
                },
            },
        },
    })
}

/// `jwt_authn`, and RBAC by the header that it sets.
fn jwt(cached: bool, claims: &[(&str, &str)]) -> Result<Vec<Value>> {
    let headers: Vec<_> =
        claims.iter().map(|(header, claim)| json!({"header_name": header, "claim_name": claim})).collect();
    let mut provider = json!({
        "issuer": ISSUER,
        "audiences": ["usher"],
        "local_jwks": {"inline_string": KeyRing::Main.jwks()?.to_string()},
        "claim_to_headers": headers,
    });
    if cached && let Some(provider) = provider.as_object_mut() {
        provider.insert("jwt_cache_config".to_owned(), json!({"jwt_cache_size": 1000}));
    }
    let is_user = json!({"header": {"name": "x-usher-role", "string_match": {"exact": "user"}}});
    // Four claims leave the role out, so that the rule looks at one that is there.
    let is_of_us = json!({"header": {"name": "x-usher-organization", "string_match": {"exact": "acme-chat"}}});
    let principal = if claims.iter().any(|(header, _)| *header == "x-usher-role") { is_user } else { is_of_us };
    Ok(vec![
        json!({
            "name": "jwt_authn",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
                "providers": {"okta": provider},
                "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "okta"}}],
            },
        }),
        json!({
            "name": "rbac",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                "rules": {
                    "action": "ALLOW",
                    "policies": {"users": {"permissions": [{"any": true}], "principals": [principal]}},
                },
            },
        }),
    ])
}

/// The same with the claims in dynamic metadata too, where access logs and RBAC find them as they find usher's filter state.
fn jwt_with_metadata() -> Result<Vec<Value>> {
    let mut filters = jwt(true, &CLAIMS)?;
    let provider = filters.first_mut().and_then(|filter| filter.pointer_mut("/typed_config/providers/okta"));
    if let Some(provider) = provider.and_then(Value::as_object_mut) {
        provider.insert("payload_in_metadata".to_owned(), json!("claims"));
    }
    let principals =
        filters.last_mut().and_then(|filter| filter.pointer_mut("/typed_config/rules/policies/users/principals"));
    if let Some(principals) = principals {
        *principals = json!([{"metadata": {
            "filter": "envoy.filters.http.jwt_authn",
            "path": [{"key": "claims"}, {"key": "role"}],
            "value": {"string_match": {"exact": "user"}},
        }}]);
    }
    Ok(filters)
}

/// What somebody writes who has a few tokens and no other way.
fn lua() -> Value {
    let tags: Vec<_> = TAGS.iter().map(|(name, value)| format!("[\"{name}\"] = \"{value}\"")).collect();
    let code = format!(
        "local member = {{{}}}\n\
         local sessions = setmetatable({{}}, {{__index = function(all, token) rawset(all, token, member) return member end}})\n\
         function envoy_on_request(handle)\n\
           local headers = handle:headers()\n\
           local token = headers:get(\"authorization\")\n\
           local found = token and sessions[token]\n\
           if not found then handle:respond({{[\":status\"] = \"401\"}}, \"\") return end\n\
           for name, value in pairs(found) do headers:replace(name, value) end\n\
           headers:remove(\"authorization\")\n\
         end\n",
        tags.join(", ")
    );
    json!({
        "name": "lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": code},
        },
    })
}

fn http_authz() -> Value {
    json!({
        "name": "ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "http_service": {
                "server_uri": {"uri": format!("http://{HOST}"), "cluster": "authz-http", "timeout": "5s"},
                "authorization_response": {"allowed_upstream_headers": {"patterns": [{"prefix": "x-usher-"}]}},
            },
        },
    })
}

fn grpc_authz() -> Value {
    json!({
        "name": "ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "grpc_service": {"envoy_grpc": {"cluster_name": "authz-grpc"}, "timeout": "5s"},
        },
    })
}
