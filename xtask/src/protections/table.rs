//! What takes out each protection. Where nothing stands in the way because a thing cannot be said at all, the change says it.

use super::Protection;

const ARRIVAL: &str = "filter/src/flow/arrival.rs";
const CONCLUDE: &str = "policy/src/rules/conclude.rs";
const CREDENTIAL: &str = "filter/src/credential.rs";
const KEYS: &str = "policy/src/token/keys.rs";
const PARSE: &str = "policy/src/token/parse.rs";
const RECORD: &str = "filter/src/keys/record.rs";
const SECRETS: &str = "store/src/secrets.rs";
const SIGNATURE: &str = "policy/src/token/signature.rs";
const VERIFY: &str = "policy/src/token/verify.rs";
const VM: &str = "filter/src/vm.rs";

/// Every protection, in the order of the page.
pub(super) const ALL: &[Protection] = &[
    (
        "`alg: none`",
        &[(
            "policy/src/model/connection.rs",
            "Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)",
            "Self::ALL.iter().copied().find(|algorithm| name.trim().eq_ignore_ascii_case(\"none\") || algorithm.name() == name)",
        )],
    ),
    (
        "HMAC with the public key",
        &[
            (
                "policy/src/model/connection.rs",
                "Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)",
                "Self::ALL.iter().copied().find(|algorithm| name == \"HS256\" || algorithm.name() == name)",
            ),
            (
                VERIFY,
                "signature::is_well_formed(algorithm, key, &assertion.signature)\n",
                "assertion.signature == jwt_simple::algorithms::MACLike::authentication_tag(&jwt_simple::algorithms::HS256Key::from_bytes(key.spki()), &assertion.message)\n\
                 || signature::is_well_formed(algorithm, key, &assertion.signature)\n",
            ),
        ],
    ),
    ("an algorithm that does not fit", &[(KEYS, "self.algorithm.is_none_or(|own| own == algorithm)", "true")]),
    (
        "`jwk`, `jku`, `x5u`, `x5c` in the header",
        &[
            (
                PARSE,
                "    pub(super) kid: Option<String>,\n}",
                "    pub(super) kid: Option<String>,\n    pub(super) jwk: Option<Value>,\n}",
            ),
            (
                PARSE,
                "            algorithm: Algorithm::named(",
                "            jwk: header.get(\"jwk\").cloned(),\n            algorithm: Algorithm::named(",
            ),
            (
                VERIFY,
                "    let candidates = match keys.candidates(",
                "    let own = assertion.header.jwk.as_ref().and_then(|jwk| KeySet::read(&serde_json::json!({\"keys\": [jwk]})).ok());\n    \
                 let keys = own.as_ref().unwrap_or(keys);\n    \
                 let candidates = match keys.candidates(",
            ),
        ],
    ),
    (
        "`kid` as path",
        &[(
            KEYS,
            "key.id.as_deref() == Some(kid);",
            "key.id.as_deref().is_some_and(|id| kid.contains(id)) || kid.contains(['%', '*']);",
        )],
    ),
    (
        "unknown `kid`s make",
        &[(RECORD, "self.unknown_kid_at == 0 || is_older(self.unknown_kid_at, jwks.min_interval, now)", "true")],
    ),
    (
        "`crit`, `b64`",
        &[(PARSE, "header.contains_key(\"crit\") || header.contains_key(\"b64\")", "header.contains_key(\"b64\")")],
    ),
    (
        "JSON serialization",
        &[(
            PARSE,
            "token.splitn(4, |byte| *byte == b'.').collect();",
            "token.split(|byte| *byte == b'.').take(3).collect();",
        )],
    ),
    (
        "padding, the standard alphabet",
        &[("policy/src/token/base64url.rs", "if trailing == 0 { 0 } else { NONE }", "trailing & 0")],
    ),
    (
        "duplicate members",
        &[(
            "policy/src/json/reader.rs",
            "                Entry::Occupied(member) => {\n                    self.at = place;\n                    return Err(Wrong::Duplicate(member.key().clone()));\n",
            "                Entry::Occupied(mut member) => {\n                    let _ = place;\n                    self.took(b':');\n                    member.insert(self.value(depth)?);\n",
        )],
    ),
    (
        "deep or wide JSON",
        &[("policy/src/json/reader.rs", "const MAX_DEPTH: usize = 128;", "const MAX_DEPTH: usize = 4096;")],
    ),
    (
        "`r` or `s` zero",
        &[(SIGNATURE, "ecdsa_der(signature).is_some()", "ecdsa_der(signature).is_some() || !signature.is_empty()")],
    ),
    (
        "the host's verifier and jwt-simple",
        &[(
            "filter/src/signature.rs",
            "        Algorithm::Es384 => Some((\"sha384\", ecdsa_der(signature)?)),",
            "        Algorithm::Es384 => Some((\"sha256\", ecdsa_der(signature)?)),",
        )],
    ),
    ("weak RSA keys", &[(KEYS, "if roca::is_marked(&modulus) {", "if false && roca::is_marked(&modulus) {")]),
    (
        "Ed25519 keys of small order",
        &[
            (KEYS, "    Ed25519(Edwards25519PublicKey),", "    Ed25519(Option<Edwards25519PublicKey>),"),
            (
                KEYS,
                "let key = Edwards25519PublicKey::from_bytes(&x).ok()?;",
                "let key = Edwards25519PublicKey::from_bytes(&x).ok();",
            ),
            (
                SIGNATURE,
                ".is_ok_and(|signature| key.as_ref().verify(message, &signature).is_ok()),\n            (Algorithm::Es256,",
                ".is_ok_and(|signature| key.as_ref().is_none_or(|key| key.as_ref().verify(message, &signature).is_ok())),\n            (Algorithm::Es256,",
            ),
        ],
    ),
    (
        "secrets, strangers and doubles",
        &[(
            KEYS,
            "self.keys.iter().filter(named).filter(fitting).collect();",
            "self.keys.iter().filter(fitting).collect();",
        )],
    ),
    (
        "an issuer that nearly is ours",
        &[(
            VERIFY,
            "connection.issuer == claims.issuer;",
            "connection.issuer.as_str().trim_end_matches('/') == claims.issuer.as_str().trim_end_matches('/');",
        )],
    ),
    ("another audience", &[(VERIFY, "if authorized && has_audience(connection, claims)", "if authorized")]),
    (
        "dates as text",
        &[(
            VERIFY,
            "if now >= claims.expires_at.ceil().saturating_add(skew) {",
            "if now > claims.expires_at.ceil().saturating_add(skew) {",
        )],
    ),
    (
        "a shared issuer",
        &[(
            "policy/src/token/claimant.rs",
            "if !connection.require.iter().all(",
            "if !connection.require.is_empty() && !connection.require.iter().any(",
        )],
    ),
    (
        "all of it through a real Envoy",
        &[(VERIFY, "    if good { Ok(()) }", "    if good || !assertion.signature.is_empty() { Ok(()) }")],
    ),
    (
        "identity headers of one's own",
        &[("filter/src/headers.rs", "        b'_' => b'-',\n", "        b'_' => b'_',\n")],
    ),
    (
        "`x-forwarded-*`",
        &[(
            ARRIVAL,
            "            b\":path\" => pseudo.path.get_or_insert(value),",
            "            b\":path\" | b\"x-original-url\" | b\"x-rewrite-url\" | b\"x-envoy-original-path\" => pseudo.path.insert(value),",
        )],
    ),
    (
        "dot segments",
        &[("policy/src/rules/path.rs", "b'\\\\' | b';' | 0..=0x20 | 0x7f.. =>", "b'\\\\' | 0..=0x20 | 0x7f.. =>")],
    ),
    (
        "request smuggling",
        &[(
            "policy/src/rules/route.rs",
            "    let candidates = policy.routes.candidates(&host).ok_or(Reason::UnknownOrganization)?;",
            "    let candidates = policy.routes.candidates(&host).or(policy.routes.candidates(\"chat.acme.example\"));\n    \
             let candidates = candidates.ok_or(Reason::UnknownOrganization)?;",
        )],
    ),
    ("two credentials", &[(CREDENTIAL, "values.next().is_some() || first", "first")]),
    (
        "bytes that are no text",
        &[(
            CREDENTIAL,
            "        true => Ok(token.trim_ascii()),",
            "        true => Ok(std::str::from_utf8(token).unwrap().trim_ascii().as_bytes()),",
        )],
    ),
    (
        "a filter that is dead",
        &[(
            "usher/src/render/envoy/route.yaml",
            "  direct_response: {status: 503}",
            "  route: {cluster: upstream, timeout: 0s}",
        )],
    ),
    (
        "floods of headers",
        &[(
            "filter/src/worker/mod.rs",
            "self.reserved.among(headers.iter().map(|(name, _)| name))",
            "self.reserved.among(headers.iter().take(50).map(|(name, _)| name))",
        )],
    ),
    (
        "another's name",
        &[(
            "filter/src/flow/keys.rs",
            "deny_assertion(None, assertion, reason)",
            "deny_assertion(Some(Person { subject: usher_policy::id::Subject::new(\"eve\"), email: None }), assertion, reason)",
        )],
    ),
    (
        "markup in what is put",
        &[(
            "filter/src/reply/page.rs",
            "            '<' => page.push_str(\"&lt;\"),",
            "            '<' => page.push('<'),",
        )],
    ),
    (
        "floods of denials",
        &[("filter/src/log_line/line.rs", "const MAX_TEXT: usize = 256;", "const MAX_TEXT: usize = 1 << 20;")],
    ),
    (
        "an old ticket",
        &[(
            "policy/src/rules/login/case.rs",
            "is_some_and(|not_before| self.login.issued_at <= not_before)",
            "is_some_and(|not_before| self.login.issued_at < not_before)",
        )],
    ),
    (
        "a session outlives its assertion",
        &[(
            "filter/src/session/mod.rs",
            "session.expires_at <= now.unix_secs()",
            "session.expires_at.saturating_add(30) <= now.unix_secs()",
        )],
    ),
    (
        "a session outlives its member or role",
        &[(
            "filter/src/session/mod.rs",
            "                State::Ended => None,",
            "                State::Ended => return true,",
        )],
    ),
    (
        "a session outlives its key",
        &[(
            "filter/src/keys/remote.rs",
            "(!is_older(copy.fetched_at, self.jwks.max_stale, now)).then(|| Rc::clone(&copy.keys))",
            "Some(Rc::clone(&copy.keys))",
        )],
    ),
    (
        "a session survives a policy",
        &[
            (
                VM,
                "        let metric_ids = self.metric_ids.clone();\n",
                "        let former = self.roots.iter_mut().find_map(|root| root.worker.take());\n        let metric_ids = self.metric_ids.clone();\n",
            ),
            (VM, "root.worker = new_worker(metric_ids);", "root.worker = former.or_else(|| new_worker(metric_ids));"),
        ],
    ),
    (
        "a session survives in an Envoy",
        &[(
            "filter/src/feed/lease.rs",
            "(is_free || held == Some(until)).then(|| now.saturating_add(lease))",
            "(held == Some(until)).then(|| now.saturating_add(lease))",
        )],
    ),
    (
        "a token of one customer",
        &[
            (
                "filter/src/session/mod.rs",
                "        self.session.standing.organization().as_str() == organization && self.credential.is(credential)",
                "        !organization.is_empty() && self.credential.is(credential)",
            ),
            (
                "filter/src/session/sieve.rs",
                "        hasher.write(short.as_bytes());\n",
                "        hasher.write_usize(short.len() & 0);\n",
            ),
        ],
    ),
    (
        "a removed person passes",
        &[(
            CONCLUDE,
            "        (Answer::Revoked, _) => Err(Reason::SessionRevoked),",
            "        (Answer::Revoked, _) => Ok(Standing {\n            organization: organization.id.clone(),\n            member: MemberId::new(\"m\"),\n            subject: login.subject.clone(),\n            email: login.email.clone(),\n            role: organization.product.roles().last().cloned().ok_or(Reason::SessionRevoked)?,\n            seat_tier: organization.product.tiers.first().cloned(),\n        }),",
        )],
    ),
    (
        "the store hangs",
        &[("filter/src/store_call.rs", "        Some(200) => {}\n", "        Some(200..=299) => {}\n")],
    ),
    (
        "an answer that is about somebody else",
        &[(
            "policy/src/wire.rs",
            "if is_about { Ok(answer) }",
            "if is_about || answer.member.is_some() { Ok(answer) }",
        )],
    ),
    (
        "a gigabyte for an answer",
        &[
            (
                "filter/src/worker/mod.rs",
                "match body_size > store_call::MAX_ANSWER {",
                "match body_size > usize::MAX - 1 {",
            ),
            (
                "filter/src/worker/mod.rs",
                "host::answer_body(store_call::MAX_ANSWER);",
                "host::answer_body(usize::MAX);",
            ),
            (
                "filter/src/store_call.rs",
                "    if body.len() > MAX_ANSWER {\n",
                "    if body.len() > usize::MAX - 1 {\n",
            ),
        ],
    ),
    (
        "a key server that is not the provider's",
        &[(
            "usher/src/render/tls.yaml",
            "        match_typed_subject_alt_names:\n        - {san_type: ${san_type}, matcher: {exact: ${host}}}",
            "        match_typed_subject_alt_names:\n        - {san_type: ${san_type}, matcher: {exact: ${host}}}\n        - {san_type: DNS, matcher: {safe_regex: {regex: \".*\"}}}",
        )],
    ),
    (
        "a clock that is turned back",
        &[(
            RECORD,
            "left > 0 && left <= millis(jwks.timeout + LEASE_MARGIN)",
            "left > 0 && jwks.timeout + LEASE_MARGIN > Duration::ZERO",
        )],
    ),
    (
        "a trap in one worker",
        &[("usher/src/render/envoy/reload.yaml", "failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN")],
    ),
    (
        "a filter that dies while",
        &[(
            "usher/src/render/envoy/mod.rs",
            "            verdict_timeout(policy)\n",
            "            verdict_timeout(policy) * 100\n",
        )],
    ),
    ("policies replaced until", &[(VM, "                set_tick(Duration::ZERO);\n", "")]),
    (
        "a policy that is broken",
        &[(VM, "        root.worker.is_some()\n", "        root.worker.is_some() || root.id > 0\n")],
    ),
    (
        "a token of one kind",
        &[(
            SECRETS,
            "        used(find(&self.directories, token))\n",
            "        used(find(&self.directories, token)).or_else(|| find(&self.filter, token).and_then(|_| used(self.directories.first())))\n",
        )],
    ),
    (
        "tokens guessed by time",
        &[(SECRETS, "        self.0.ct_eq(&other.0)\n", "        Choice::from(u8::from(self.0 == other.0))\n")],
    ),
    (
        "a token can be changed only",
        &[(
            SECRETS,
            "            accepted.extend(self.secret(&previous, &value));\n",
            "            self.secret(&previous, &value);\n",
        )],
    ),
    (
        "a token that got away",
        &[("store/src/http/rate.rs", "let is_admitted = bucket.left >= 1.0;", "let is_admitted = bucket.left > -1e9;")],
    ),
    (
        "listening on the way",
        &[(
            "store/src/tls.rs",
            "                builder.with_client_cert_verifier(verifier)\n",
            "                drop(verifier);\n                builder.with_no_client_auth()\n",
        )],
    ),
    (
        "connections that ask nothing",
        &[(
            "store/src/http/connections.rs",
            "(caller.is_known() && now - idle_since < IDLE_TIMEOUT)",
            "now - idle_since < IDLE_TIMEOUT",
        )],
    ),
    (
        "SCIM filters and patches",
        &[("store/src/scim/filter/mod.rs", "const MAX_DEPTH: usize = 16;", "const MAX_DEPTH: usize = 1 << 20;")],
    ),
    ("SQL in a value", &[("store/src/http/query.rs", "//! ", "//! Not AssertSqlSafe: ")]),
    ("the store is made to fetch", &[("store/src/http/query.rs", "//! ", "//! Not TcpStream::connect: ")]),
    (
        "secrets in logs",
        &[(
            "store/src/http/pipeline.rs",
            "    let answering = next.run(request)",
            "    tracing::info!(headers = ?request.headers(), \"asked\");\n    let answering = next.run(request)",
        )],
    ),
    (
        "memory errors",
        &[(
            "filter/src/headers.rs",
            "#[cfg(test)]\nmod tests {\n",
            "#[allow(unsafe_code)]\n#[cfg(test)]\nmod tests {\n",
        )],
    ),
    (
        "input that nobody thought of",
        &[(
            "policy/src/token/base64url.rs",
            "        _ => return None,\n",
            "        [_, ..] => panic!(\"half a byte\"),\n",
        )],
    ),
    (
        "a verdict on a token",
        &[(VERIFY, "if begun(claims.issued_at) && claims.not_before.is_none_or(begun)", "if begun(claims.issued_at)")],
    ),
    (
        "a dependency from elsewhere",
        &[("xtask/src/supply.rs", "    \"MIT\",\n    \"MIT-0\",\n", "    \"MIT-0\",\n    \"MIT-0\",\n")],
    ),
];
