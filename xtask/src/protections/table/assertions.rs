//! What is presented: assertions, their signatures, their keys.

use super::Protection;

const KEYS: &str = "policy/src/token/keys.rs";
const PARSE: &str = "policy/src/token/parse.rs";
const RECORD: &str = "filter/src/keys/record.rs";
const PRIMITIVES: &str = "primitives/src/lib.rs";
const SIGNATURE: &str = "policy/src/token/signature.rs";
const VERIFY: &str = "policy/src/token/verify.rs";

/// In the order of the page.
pub(super) const ASSERTIONS: &[Protection] = &[
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
                "policy/Cargo.toml",
                "usher-primitives.workspace = true\n",
                "usher-primitives.workspace = true\nhmac-sha256.workspace = true\n",
            ),
            (
                VERIFY,
                "signature::is_well_formed(algorithm, key, &assertion.signature)\n",
                "assertion.signature == hmac_sha256::HMAC::mac(&assertion.message, key.spki())\n\
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
                "    pub(super) kid: Option<String>,\n    pub(super) jwk: Option<serde_json::Value>,\n}",
            ),
            (
                PARSE,
                "            algorithm: Algorithm::named(",
                "            jwk: header.get(\"jwk\").map(Json::to_value),\n            algorithm: Algorithm::named(",
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
        "unknown `kid`s make",
        &[("filter/src/keys/remote.rs", "        if ended != self.ended {\n", "        if ended < self.ended {\n")],
    ),
    (
        "a stranger keeps naming `kid`s",
        &[(
            RECORD,
            "INTERVAL_PATIENCE: Duration = Duration::from_secs(2)",
            "INTERVAL_PATIENCE: Duration = Duration::ZERO",
        )],
    ),
    (
        "requests in the name of one issuer",
        &[(
            "filter/src/keys/mod.rs",
            "if self.taken + remote.taken + 2 * places > PLACES {",
            "if self.taken + places > PLACES {",
        )],
    ),
    (
        "hundreds of unknown `kid`s",
        &[(
            "filter/src/worker/mod.rs",
            "const RESUMED_AT_ONCE: usize = 32;",
            "const RESUMED_AT_ONCE: usize = 100_000;",
        )],
    ),
    (
        "`crit`, `b64`",
        &[(PARSE, "header.get(\"crit\").is_some() || header.get(\"b64\").is_some()", "header.get(\"b64\").is_some()")],
    ),
    (
        "`crit`, `b64`",
        &[(PARSE, "header.get(\"crit\").is_some() || header.get(\"b64\").is_some()", "header.get(\"crit\").is_some()")],
    ),
    (
        "`crit`, `b64`",
        &[(PARSE, "        if !of_our_type {", "        if !of_our_type && header.get(\"alg\").is_none() {")],
    ),
    (
        "`crit`, `b64`",
        &[(
            "policy/src/token/claims.rs",
            "claims.get(\"events\").is_some()",
            "claims.get(\"events\").is_some_and(|_| false)",
        )],
    ),
    (
        "JSON serialization",
        &[(
            PARSE,
            "let (payload, signature) = cut(rest)?;",
            "let (payload, signature) = cut(rest)?;\n        let signature = cut(signature).map_or(signature, |(first, _)| first);",
        )],
    ),
    (
        "padding, the standard alphabet",
        &[("policy/src/token/base64url.rs", "let [one, two, 0] =", "let [one, two, _] =")],
    ),
    (
        "a byte that vector instructions take for another",
        &[("policy/src/token/base64url/letters.rs", "range(b'A', b'Z', 0)", "range(b'A', b'[', 0)")],
    ),
    (
        "duplicate members",
        &[("policy/src/json/reader.rs", "if count < FEW && seen.has(mark)", "if count > FEW && seen.has(mark)")],
    ),
    (
        "thousands of audiences",
        &[("policy/src/token/claims.rs", "const MAX_AUDIENCES: usize = 256;", "const MAX_AUDIENCES: usize = 10_000;")],
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
            "        Algorithm::Es384 => Some((\"sha384\", ecdsa_der(signature)?.into())),",
            "        Algorithm::Es384 => Some((\"sha256\", ecdsa_der(signature)?.into())),",
        )],
    ),
    ("weak RSA keys", &[(KEYS, "if roca::is_marked(&modulus) {", "if false && roca::is_marked(&modulus) {")]),
    (
        "Ed25519 keys of small order",
        &[
            (PRIMITIVES, "    Ed25519(Edwards25519PublicKey),", "    Ed25519(Option<Edwards25519PublicKey>),"),
            (
                PRIMITIVES,
                "Edwards25519PublicKey::from_bytes(key).ok().map(Self::Ed25519)",
                "Some(Self::Ed25519(Edwards25519PublicKey::from_bytes(key).ok()))",
            ),
            (
                PRIMITIVES,
                ".is_ok_and(|signature| key.as_ref().verify(message, &signature).is_ok()),",
                ".is_ok_and(|signature| key.as_ref().is_none_or(|key| key.as_ref().verify(message, &signature).is_ok())),",
            ),
        ],
    ),
    (
        "secrets, strangers and doubles",
        &[(
            KEYS,
            "self.keys.iter().filter(named).filter(fitting).take(Self::MAX_NAMESAKES).collect();",
            "self.keys.iter().filter(fitting).collect();",
        )],
    ),
    (
        "an issuer that nearly is ours",
        &[(
            VERIFY,
            "connection.issuer.as_str() == issuer;",
            "connection.issuer.as_str().trim_end_matches('/') == issuer.trim_end_matches('/');",
        )],
    ),
    ("another audience", &[(VERIFY, "if authorized && has_audience(connection, claims.audience())", "if authorized")]),
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
        "an address in a claim",
        &[("policy-file/src/warnings/connections.rs", "!matches!(claim, \"email\" | \"/email\")", "claim.is_empty()")],
    ),
    (
        "all of it through a real Envoy",
        &[(VERIFY, "    if good { Ok(()) }", "    if good || !assertion.signature.is_empty() { Ok(()) }")],
    ),
];
