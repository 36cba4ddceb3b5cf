//! The store, and the code itself.

use super::Protection;

const LISTED: &str = "&filter.email {\n            query.push(\" AND email_key = \").push_bind(email.key());\n";
const LISTED_UNBOUND: &str =
    "&filter.email {\n            query.push(format!(\" AND email_key = '{}'\", email.key()));\n";
const SECRETS: &str = "store/src/secrets.rs";
const VERIFY: &str = "policy/src/token/verify.rs";

/// In the order of the page.
pub(super) const STORE: &[Protection] = &[
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
        "so much of what takes long",
        &[(
            "store/src/database/postgres/mod.rs",
            "            Lane::Long => (&self.long, LONG_CONNECTIONS),\n",
            "            Lane::Long => (&self.pool, CONNECTIONS),\n",
        )],
    ),
    (
        "strangers without end",
        &[("store/src/membership/tickets.rs", "        if has_old {\n", "        if has_old && now == 0 {\n")],
    ),
    (
        "the store's clock leaps ahead",
        &[(
            "store/src/membership/upkeep.rs",
            "now.saturating_sub(last.at) > DAY",
            "now.saturating_sub(last.at) > u64::MAX - DAY",
        )],
    ),
    (
        "what was revoked when somebody was removed",
        &[(
            "store/src/database/login.rs",
            "let not_before = number(\"forgotten_not_before\")?;",
            "let not_before = None;",
        )],
    ),
    (
        "an assertion that is older than one which was forgotten",
        &[(
            "store/src/database/login.rs",
            "number(\"forgotten_iat\")?.map(|last_iat| Ticket { last_iat, not_before })",
            "not_before.map(|_| Ticket { last_iat: 0, not_before })",
        )],
    ),
    (
        "a push of one customer",
        &[("store/src/places.rs", "{ self.free > has.saturating_add(FOR_NEWCOMERS) }", "{ self.free > 0 }")],
    ),
    (
        "SCIM filters and patches",
        &[("store/src/scim/filter/mod.rs", "const MAX_DEPTH: usize = 16;", "const MAX_DEPTH: usize = 1 << 20;")],
    ),
    (
        "a directory that sends many large bodies",
        &[("store/src/scim/request.rs", "Places::for_each(MAX_BODIES)", "Places::for_each(1 << 20)")],
    ),
    ("a directory that sends many large bodies", &[("store/src/scim/body.rs", "count(b\"{\") > MAX_OBJECTS || ", "")]),
    ("a directory that sends many large bodies", &[("store/src/scim/body.rs", " || count(b\"{[,\") > MAX_VALUES", "")]),
    (
        "a PATCH that takes so long",
        &[("store/src/scim/patch/apply.rs", "            few_enough(name, values)\n", "            Ok(())\n")],
    ),
    (
        "a PATCH that takes so long",
        &[("store/src/scim/patch/apply.rs", "            few_enough(name, values)?;\n", "")],
    ),
    (
        "a PATCH that takes so long",
        &[("store/src/scim/patch/apply.rs", "const MAX_OTHERS: usize = 200;", "const MAX_OTHERS: usize = 1 << 20;")],
    ),
    (
        "SQL in a value",
        &[
            (
                "store/src/database/statement.rs",
                "push(&mut self, text: &'static str)",
                "push(&mut self, text: impl std::fmt::Display)",
            ),
            ("store/src/database/member_sql.rs", LISTED, LISTED_UNBOUND),
        ],
    ),
    (
        "the store is made to fetch",
        &[(
            "store/src/http/pipeline.rs",
            "    let answering = next.run(request)",
            "    for value in request.headers().values() {\n        let host = value.to_str().unwrap_or_default().trim_start_matches(\"http://\");\n        drop(std::net::TcpStream::connect(host.split('/').next().unwrap_or_default()));\n    }\n    let answering = next.run(request)",
        )],
    ),
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
