//! Logins and sessions, and the neighbours of the filter.

use super::Protection;

const CONCLUDE: &str = "policy/src/rules/conclude.rs";
const KEPT: &str = "filter/src/session/kept.rs";
const RECORD: &str = "filter/src/keys/record.rs";
const VM: &str = "filter/src/vm.rs";

/// In the order of the page.
pub(super) const SESSIONS: &[Protection] = &[
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
