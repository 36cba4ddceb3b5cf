//! The OpenAPI document at `/openapi.json`, gathered from the routes.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type};
use utoipa::{Modify, OpenApi, PartialSchema, ToSchema};

use super::audit::{AuditPage, EntryJson};
use super::changes::{ChangeJson, Changes};
use super::logins::LoginResponse;
use super::members::MemberJson;
use super::members::add::AddBody;
use super::members::edit::EditBody;
use super::members::list::MemberList;
use super::parents::{ParentJson, Parents};
use super::problem::ProblemJson;
use super::seats::{SeatsJson, TierJson};
use super::sync::{OrganizationSync, SyncChange, SyncPlace, SyncReport};
use crate::scim;

/// The whole document. Whoever reaches the store may ask for it, so that it is made once.
pub(super) fn document() -> &'static utoipa::openapi::OpenApi {
    static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(Document::openapi);
    &DOCUMENT
}

#[derive(OpenApi)]
#[openapi(
    info(title = "usher store", description = "Members, seats and logins of the organizations of one policy."),
    paths(
        super::logins::log_in,
        super::members::list::list,
        super::members::add::add,
        super::members::show::show,
        super::members::edit::edit,
        super::members::remove::remove,
        super::seats::seats,
        super::changes::changes,
        super::audit::audit,
        super::parents::parents,
        super::sync::sync,
        scim::users::list::list,
        scim::users::create::create,
        scim::users::read::read,
        scim::users::replace::replace,
        scim::users::patch::patch,
        scim::users::delete::delete,
        scim::groups::list::list,
        scim::groups::create::create,
        scim::groups::read::read,
        scim::groups::replace::replace,
        scim::groups::patch::patch,
        scim::groups::delete::delete,
        scim::discovery::service_provider_config,
        scim::discovery::resource_types,
        scim::discovery::resource_type,
        scim::discovery::schemas,
        scim::discovery::schema,
        super::operations::healthz,
        super::operations::readyz,
        super::operations::metrics,
        super::operations::openapi,
    ),
    components(schemas(
        AddBody, AuditPage, ChangeJson, Changes, EditBody, EntryJson, LoginResponse, LoginSchema, MemberJson, MemberList, OrganizationSync,
        ParentJson, Parents, ProblemJson, SeatsJson, SyncChange, SyncPlace, SyncReport, TierJson
    )),
    modifiers(&BearerTokens),
    tags(
        (name = "filter", description = "For the filter, with its token"),
        (name = "administration", description = "For people and tools, with an administrator's token"),
        (name = "scim", description = "For a parent's identity provider, with its directory's token (RFC 7643, RFC 7644)"),
        (name = "operations", description = "For those who run the store, without a token"),
    ),
)]
struct Document;

struct BearerTokens;

impl Modify for BearerTokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, what) in [
            ("filter", "The filter's token: `store.token_env` of the policy"),
            ("directory", "The directory's token: `directory.token_env` of the parent"),
            ("administrator", "`USHER_ADMIN_TOKEN`, or one of the policy's `admin_tokens`"),
        ] {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}

/// `usher_policy::wire::Login` as a schema; the policy crate knows no OpenAPI.
pub(crate) struct LoginSchema;

impl ToSchema for LoginSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Login")
    }
}

impl PartialSchema for LoginSchema {
    fn schema() -> RefOr<Schema> {
        let text = |what: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(what)).build();
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("One login: who, when, and what the rules say shall be done"))
            .property("connection", text("The connection whose keys verified the assertion"))
            .required("connection")
            .property("issuer", text("The `iss`"))
            .required("issuer")
            .property("subject", text("The `sub`, 1 to 255 bytes"))
            .required("subject")
            .property("email", text("The verified email"))
            .required("email")
            .property("name", text("The display name, at most 256 bytes"))
            .property("external_id", text("The claim that the connection names as `external_id`, at most 256 bytes"))
            .property(
                "issued_at",
                ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .minimum(Some(0))
                    .description(Some("The `iat`, whole seconds since the Unix epoch")),
            )
            .required("issued_at")
            .property("plan", plan())
            .required("plan")
            .property(
                "preview",
                ObjectBuilder::new()
                    .schema_type(Type::Boolean)
                    .default(Some(json!(false)))
                    .description(Some("Decide and answer, but write nothing")),
            )
            .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(false)))
            .examples([json!({
                "connection": "okta",
                "issuer": "https://acme.okta.example",
                "subject": "00u1",
                "email": "ada@acme.example",
                "issued_at": 1_767_225_600,
                "plan": {"do": "ensure", "role": "user"},
            })]);
        object.into()
    }
}

/// `usher_policy::rules::plan::Plan`: told apart by `do`.
fn plan() -> RefOr<Schema> {
    let variant = |name: &str, required: &[&str], optional: &[&str]| {
        let mut object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("do", ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name])))
            .required("do");
        for field in required {
            object = object.property(*field, ObjectBuilder::new().schema_type(Type::String)).required(*field);
        }
        for field in optional {
            object = object.property(*field, ObjectBuilder::new().schema_type(Type::String));
        }
        object
    };
    OneOfBuilder::new()
        .description(Some("What shall be done"))
        .item(variant("assign", &["role"], &["seat_tier"]))
        .item(variant("ensure", &["role"], &[]))
        .item(variant("remove", &["reason"], &[]))
        .item(variant("require", &[], &[]))
        .into()
}
