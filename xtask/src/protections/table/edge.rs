//! At the edge: requests, logins and sessions, the neighbours of the filter.

use super::Protection;

const GLANCE: &str = "filter/src/glance.rs";
const BOOTSTRAP: &str = "usher/src/render/envoy/bootstrap.yaml";
const CONCLUDE: &str = "policy/src/rules/conclude.rs";
const CREDENTIAL: &str = "filter/src/credential.rs";
const KEPT: &str = "filter/src/session/kept.rs";
const PATH: &str = "policy/src/rules/path.rs";
const RECORD: &str = "filter/src/keys/record.rs";
const ROUTE: &str = "policy/src/rules/route.rs";
const VM: &str = "filter/src/vm.rs";
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
    (
        "an old ticket",
        &[(
            "policy/src/rules/login/case.rs",
            "is_some_and(|not_before| self.login.issued_at <= not_before)",
            "is_some_and(|not_before| self.login.issued_at < not_before)",
        )],
    ),
    (
        "a directory gives two people one",
        &[
            ("policy/src/rules/login/case.rs", "([_, _, ..], _) if links_by_id", "([_, _, _, ..], _) if links_by_id"),
            (
                "policy/src/rules/login/case.rs",
                "([member], other) if links_by_id",
                "([member, ..], other) if links_by_id",
            ),
        ],
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
        "somebody leaves before every answer",
        &[(
            "filter/src/worker/unattended.rs",
            "self.due.len().min(RESUMED_AT_ONCE)",
            "self.due.len().min(RESUMED_AT_ONCE * 100)",
        )],
    ),
    (
        "somebody leaves before every answer",
        &[("filter/src/worker/unattended.rs", "const MOST: usize = 1_000;", "const MOST: usize = usize::MAX;")],
    ),
    (
        "somebody leaves before every answer",
        &[(
            "filter/src/flow/store.rs",
            "        sessions.end(&self.visit.organization.id, &self.visit.credential.bytes);",
            "        sessions.end(&self.visit.organization.id, &[]);",
        )],
    ),
    (
        "a session outlives its key",
        &[(
            "filter/src/keys/remote.rs",
            "is_some_and(|earlier| copy.keys.withdraws_from(&earlier.keys))",
            "is_some_and(|earlier| earlier.keys.withdraws_from(&earlier.keys))",
        )],
    ),
    (
        "a customer's provider that withdraws keys",
        &[(
            "filter/src/keys/mod.rs",
            "self.keys.remote(connection).map_or(",
            "self.keys.remote(connection).and(self.keys.remotes.last()).map_or(",
        )],
    ),
    (
        "keys outlive their provider",
        &[(
            "filter/src/keys/remote.rs",
            "(!is_older(copy.fetched_at, self.jwks.max_stale, now)).then(|| Rc::clone(&copy.keys))",
            "Some(Rc::clone(&copy.keys))",
        )],
    ),
    (
        "a worker's memory is filled",
        &[(
            "filter/src/session/sieve.rs",
            "self.taken.saturating_add(value.length()) > self.room",
            "self.taken.saturating_add(value.length()) > usize::MAX - 1",
        )],
    ),
    (
        "short assertions hold on to long ones",
        &[
            (KEPT, "header.len() + payload.len() > LONGEST", "header.len() + payload.len() > usize::MAX - LONGEST"),
            (KEPT, "self.of.len() > MODELS / 2", "self.of.len() > MODELS * 99"),
            (KEPT, ".max(model.len())", ".max(model.len() & 0)"),
        ],
    ),
    (
        "a provider writes a thousand headers",
        &[(
            KEPT,
            "keys.hash_one((issuer.as_str(), header))",
            "keys.hash_one((issuer.as_str(), header.last_chunk::<32>()))",
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
                "filter/src/session/sieve/hash.rs",
                "(hash ^ word).rotate_left(29).wrapping_mul(ODD)",
                "hash | word & ODD & 0",
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
        "a customer's provider signs for ever more people",
        &[
            ("filter/src/worker/turns.rs", "const OF_ALL: usize = 128;", "const OF_ALL: usize = usize::MAX;"),
            ("filter/src/worker/turns.rs", "const SHARE: usize = 32;", "const SHARE: usize = usize::MAX;"),
        ],
    ),
    (
        "a customer's provider signs for ever more people",
        &[(
            "filter/src/census.rs",
            "self.workers = if self.told_at.is_some() { workers.saturating_sub(1) } else { 0 };",
            "self.workers = workers.min(1);",
        )],
    ),
    (
        "a customer's provider signs for ever more people",
        &[(
            "filter/src/census.rs",
            "u64::try_from(self.began.saturating_add(now.steady).as_millis()).unwrap_or(u64::MAX)",
            "now.unix_ms",
        )],
    ),
    (
        "who comes at the right moment",
        &[(
            "filter/src/worker/turns.rs",
            "(!is_newcomer || own.waiting.is_empty())",
            "(!is_newcomer || own.calls < share)",
        )],
    ),
    (
        "who comes at the right moment",
        &[(
            "filter/src/flow/store.rs",
            "self.is_login.then(|| &self.visit.organization.parent.id)",
            "Some(&self.visit.organization.parent.id)",
        )],
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
        "an answer in which a member's id is empty",
        &[("policy/src/wire.rs", ".filter(|id| !id.is_empty())", ".filter(|id| id.len() < 4096)")],
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
        "a clock that is turned back",
        &[("filter/src/feed/lease.rs", "let is_free = left == 0 || left > lease;", "let is_free = left == 0;")],
    ),
    (
        "a clock that is turned back",
        &[(
            "filter/src/flow/store.rs",
            "(Box::new(login), desk.now.steady)",
            "(Box::new(login), Duration::from_millis(desk.now.unix_ms))",
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
];
