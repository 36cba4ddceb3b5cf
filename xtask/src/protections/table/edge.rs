//! At the edge: requests.

use super::Protection;

const GLANCE: &str = "filter/src/glance.rs";
const BOOTSTRAP: &str = "usher/src/render/envoy/bootstrap.yaml";
const CREDENTIAL: &str = "filter/src/credential.rs";
const PATH: &str = "policy/src/rules/path.rs";
const ROUTE: &str = "policy/src/rules/route.rs";
const WARNED_PATHS: &str = "policy-file/src/warnings/paths.rs";

/// In the order of the page.
pub(super) const EDGE: &[Protection] = &[
    (
        "identity headers of one's own",
        &[("filter/src/headers.rs", "        b'_' => b'-',\n", "        b'_' => b'_',\n")],
    ),
    (
        "`x-forwarded-*`",
        &[(
            GLANCE,
            "b\":path\" => drop(path.get_or_insert(value)),",
            "b\":path\" | b\"x-original-url\" | b\"x-rewrite-url\" | b\"x-envoy-original-path\" => drop(path.insert(value)),",
        )],
    ),
    (
        "a framework behind usher",
        &[("filter/src/headers.rs", "configured.all().into_iter().chain(OVERRIDES)", "configured.all().into_iter()")],
    ),
    (
        "a WebSocket whose `connection` header",
        &[(GLANCE, "b\"connection\" => glance.nominates", "b\"connections\" => glance.nominates")],
    ),
    ("dot segments", &[(PATH, "b'\\\\' | b';' | 0..=0x20 | 0x7f.. =>", "b'\\\\' | 0..=0x20 | 0x7f.. =>")]),
    (
        "dot segments",
        &[(
            PATH,
            "if empty_inside || segment == \".\" || segment == \"..\" {",
            "if empty_inside || segment == \".\" {",
        )],
    ),
    ("dot segments", &[(PATH, "if empty_inside || segment", "if segment")]),
    ("dot segments", &[(PATH, "b'/' | b'\\\\' | 0..0x20 | 0x7f)", "b'\\\\' | 0..0x20 | 0x7f)")]),
    ("dot segments", &[(PATH, "b'/' | b'\\\\' | 0..0x20 | 0x7f)", "b'/' | 0..0x20 | 0x7f)")]),
    ("dot segments", &[(PATH, "if raw.first() != Some(&b'/') || raw.contains", "if raw.contains")]),
    (
        "encoded bytes that some decoders take",
        &[
            (PATH, "b'/' | b'\\\\' | 0..0x20 | 0x7f)", "b'/' | b'\\\\' | 0)"),
            (PATH, "std::str::from_utf8(&text).is_err() || ", ""),
        ],
    ),
    ("a path encoded twice", &[(PATH, "text.windows(3)", "text.windows(usize::MAX)")]),
    (
        "a rule of `access` that is for no request",
        &[
            (WARNED_PATHS, "rule == prefix || rule.starts_with(&below)", "true"),
            (WARNED_PATHS, "rule.starts_with(&below) || below", "true || below"),
        ],
    ),
    ("a bypass of all", &[(WARNED_PATHS, "(None, _) => true", "(None, _) => false")]),
    (
        "request smuggling",
        &[(
            ROUTE,
            "    let candidates = policy.routes.candidates(&host).ok_or(Reason::UnknownOrganization)?;",
            "    let candidates = policy.routes.candidates(&host).or(policy.routes.candidates(\"chat.acme.example\"));\n    \
             let candidates = candidates.ok_or(Reason::UnknownOrganization)?;",
        )],
    ),
    (
        "request smuggling",
        &[(
            BOOTSTRAP,
            "          - upgrade_type: websocket\n",
            "          - upgrade_type: websocket\n          - upgrade_type: admin\n",
        )],
    ),
    (
        "request smuggling",
        &[(
            BOOTSTRAP,
            "          codec_type: AUTO\n",
            "          codec_type: AUTO\n          http_protocol_options: {allow_chunked_length: true}\n",
        )],
    ),
    ("two credentials", &[(CREDENTIAL, "values.next().is_some() || first", "first")]),
    (
        "two credentials",
        &[(CREDENTIAL, "        Some(_) => Err(Reason::AmbiguousRequest),", "        Some(last) => Ok(Some(last)),")],
    ),
    (
        "a host that is none",
        &[
            (ROUTE, " || name.split('.').any(str::is_empty)", " || name.is_empty()"),
            (ROUTE, "(Cow::Owned(ipv6(address)?),", "(Cow::Owned(ipv6(address).map(|_| address.to_owned())?),"),
        ],
    ),
    ("a host that is none", &[(ROUTE, " || is_address_spelt_otherwise(name)", "")]),
    ("two credentials", &[(CREDENTIAL, "values.next().is_some() || first", "first")]),
    (
        "a credential reaches the product",
        &[(
            "filter/src/worker/perform.rs",
            "            withhold(&self.policy.credentials.sources, headers)?;",
            "            withhold(self.policy.credentials.sources.get(..1).unwrap_or_default(), headers)?;",
        )],
    ),
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
        &[(GLANCE, "for (name, value) in headers.iter() {", "for (name, value) in headers.iter().take(50) {")],
    ),
    ("floods of headers", &[(BOOTSTRAP, "max_request_headers_kb: 96", "max_request_headers_kb: 8192")]),
    (
        "another's name",
        &[(
            "filter/src/flow/keys.rs",
            "deny_assertion(None, assertion, reason)",
            "deny_assertion(Some(Person { subject: usher_policy::id::Subject::new(\"eve\"), email: None }), assertion, reason)",
        )],
    ),
    (
        "a line of the filter",
        &[(
            "usher/src/explain/log_line.rs",
            ".filter(|_| is_before_an_event(before))?",
            ".filter(|_| before.is_empty() || !is_before_an_event(\"'\"))?",
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
];
