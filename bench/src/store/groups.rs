//! What one member more costs, of a small group and of a large one.

use anyhow::Result;
use serde_json::json;

use super::Extent;
use super::client::{Client, SCIM, Server, text};
use super::push::{Pushed, adding, middle};
use super::report::{Cost, Report};

/// How often each is measured.
const TIMES: usize = 60;

/// Members of the small group.
const FEW: usize = 10;

pub(super) fn measure(server: &Server<'_>, extent: &Extent, pushed: &Pushed, report: &mut Report) -> Result<()> {
    let mut client = server.client(SCIM)?;
    let few = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "a few"});
    let few = text(&client.call("POST", "/scim/v2/acme/Groups", Some(&few), 201)?, "id")?;
    let users: Vec<_> = pushed.users.iter().take(FEW).cloned().collect();
    client.call("PATCH", &format!("/scim/v2/acme/Groups/{few}"), Some(&adding(&users)), 200)?;

    let newcomer = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "newcomer@acme.example",
    });
    let newcomer = text(&client.call("POST", "/scim/v2/acme/Users", Some(&newcomer), 201)?, "id")?;
    let (mut of_few, mut of_all) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        of_few.push(come_and_go(server, &mut client, &few, &newcomer)?);
        of_all.push(come_and_go(server, &mut client, &pushed.everyone, &newcomer)?);
    }
    let what = format!("one member more, of {FEW} and of {}", extent.users);
    report.ends(&what, [middle(&of_few), middle(&of_all)]);
    client.call("DELETE", &format!("/scim/v2/acme/Users/{newcomer}"), None, 204)?;
    Ok(())
}

/// What it costs that one comes into a group and leaves it again.
fn come_and_go(server: &Server<'_>, client: &mut Client, group: &str, user: &str) -> Result<Cost> {
    let path = format!("/scim/v2/acme/Groups/{group}");
    let leave = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "remove", "path": format!("members[value eq \"{user}\"]")}],
    });
    let come = adding(&[user.to_owned()]);
    let (_, cost) = server.cost(|| {
        client.call("PATCH", &path, Some(&come), 200)?;
        client.call("PATCH", &path, Some(&leave), 200)
    })?;
    Ok(cost)
}
