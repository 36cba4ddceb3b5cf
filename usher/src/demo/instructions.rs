//! What a person reads when the demo is ready: where everything is, and calls to copy.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use super::calls::{AFTER_REMOVAL, BEFORE_REMOVAL, CALLS, CHAT, CHAT_HOST, Call, REMOVED, Ticket};
use crate::store_client::TOKEN_ENV;

/// Where everything is.
#[derive(Debug)]
pub(super) struct Places<'a> {
    pub(super) envoy: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) provider: SocketAddr,
    pub(super) store: SocketAddr,
    pub(super) upstream: SocketAddr,
    pub(super) folder: &'a Path,
    /// The file with the administrator's token.
    pub(super) token: &'a Path,
}

impl Places<'_> {
    /// The whole text.
    pub(super) fn instructions(&self) -> String {
        let Self { envoy, admin, provider, store, upstream, .. } = self;
        let folder = self.folder.display();
        let mut text = format!(
            "The demo is ready; Ctrl-C ends it and leaves nothing behind.\n\n  \
             Envoy with usher    http://{envoy}  (admin http://{admin})\n  \
             identity provider   http://{provider}\n  \
             membership store    http://{store}\n  \
             product             http://{upstream}\n  \
             policy, logs        {folder}\n\n\
             Calls to try, in any order:\n"
        );
        for call in CALLS {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n# {}: {}\n{}\n", call.title, call.expected, self.curl(call));
        }
        text.push_str(&self.removal());
        text
    }

    fn curl(&self, call: &Call) -> String {
        let ticket = match call.ticket {
            Ticket::Forged(person) => Some(self.ticket("forged", person)),
            Ticket::None => None,
            Ticket::Of(person) => Some(self.ticket("token", person)),
        };
        let mut line = format!("curl -i --path-as-is -H 'host: {}'", call.host);
        if let Some(ticket) = ticket {
            let _ = write!(line, " -H \"authorization: Bearer {ticket}\"");
        }
        if let Some((name, value)) = call.header {
            let _ = write!(line, " -H '{name}: {value}'");
        }
        format!("{line} 'http://{}{}'", self.envoy, call.path)
    }

    fn ticket(&self, page: &str, person: &str) -> String {
        format!("$(curl -s 'http://{}/{page}?person={person}')", self.provider)
    }

    fn removal(&self) -> String {
        let Self { envoy, store, .. } = self;
        let token = self.token.display();
        let usher = std::env::current_exe().map_or_else(|_| "usher".to_owned(), |path| path.display().to_string());
        let ticket = self.ticket("token", REMOVED);
        let present = format!("curl -i -H 'host: {CHAT_HOST}' -H \"authorization: Bearer $TICKET\" 'http://{envoy}/'");
        format!(
            "\n# a removed member: {BEFORE_REMOVAL}, then {AFTER_REMOVAL} for the same ticket, a second later at most\n\
             export USHER_STORE_URL=http://{store} {TOKEN_ENV}=\"$(cat {token})\"\n\
             TICKET={ticket}\n\
             {present}\n\
             {usher} members remove {CHAT} {REMOVED}@acme.example\n\
             {present}\n\
             \n# who is in, and on which seat\n\
             {usher} members list {CHAT}\n\
             {usher} seats {CHAT}\n"
        )
    }
}
