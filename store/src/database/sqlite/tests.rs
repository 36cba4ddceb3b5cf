//! What only SQLite itself can tell: its settings, and how the one writer commits for many.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Row, SqliteConnection, query_scalar};
use tempfile::TempDir;
use tokio::time::timeout;
use usher_policy::id::{Email, Issuer, MemberId, OrganizationId, Role, Subject, Tier};
use usher_policy::member::{Identity, Member, Source};
use usher_policy::model::Cap;

use super::Sqlite;
use crate::audit::{Actor, AuditFilter, Cause, Entry};
use crate::database::member_sql::Statements;
use crate::database::{CLOSE_TIMEOUT, Database, DatabaseError, FeedEntry, Lane, MemberFilter, Question};
use crate::metrics::Metrics;

const NOW: u64 = 1_767_225_600;

/// Longer than a busy machine takes for anything: what is put off until then never comes.
const LONG: Duration = Duration::from_secs(60);

async fn open(folder: &TempDir) -> Sqlite {
    open_with(folder, Arc::new(Metrics::new().unwrap())).await
}

async fn open_with(folder: &TempDir, metrics: Arc<Metrics>) -> Sqlite {
    let address = format!("sqlite://{}", folder.path().join("usher.db").display());
    // Who has its turn while a commit waits is in it, however long the machine takes.
    Sqlite::open_with(&address, metrics, LONG).await.unwrap()
}

fn bea() -> Member {
    let (organization, email) = (OrganizationId::new("chat"), Email::parse("bea@acme.example").unwrap());
    Member::new(MemberId::new("bea"), organization, email, Role::new("user"), Source::Manual, NOW)
}

#[tokio::test]
async fn a_commit_is_on_disk_and_readers_cannot_write() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let settings = async |connection: &mut SqliteConnection| {
        let mode: String = query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
        let synchronous: i64 = query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await.unwrap();
        let foreign_keys: i64 = query_scalar("PRAGMA foreign_keys").fetch_one(&mut *connection).await.unwrap();
        (mode, synchronous, foreign_keys)
    };
    let mut turn = database.writer.turn(Lane::Short).await.unwrap();
    assert_eq!(settings(turn.connection()).await, ("wal".to_owned(), 2, 1));
    assert!(sqlx::query("DELETE FROM members").execute(turn.connection()).await.is_ok());
    let mut reader = database.readers.acquire().await.unwrap();
    assert_eq!(settings(&mut reader).await, ("wal".to_owned(), 2, 1));
    assert!(sqlx::query("DELETE FROM members").execute(&mut *reader).await.is_err());
}

#[tokio::test]
async fn an_entry_of_the_audit_never_changes() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let cause = Cause { actor: Actor::Filter, request_id: "r".to_owned() };
    let organization = OrganizationId::new("chat");
    let entry = Entry {
        cause,
        parent: None,
        organization: Some(organization),
        member: None,
        action: "member_kept",
        reason: String::new(),
        notes: vec!["linked", "last_owner"],
        before: None,
        after: None,
        at: NOW,
    };
    let mut transaction = database.write(Lane::Short).await.unwrap();
    transaction.append_audit(entry).await.unwrap();
    transaction.commit().await.unwrap();
    let kept = database.read(Lane::Short).await.unwrap().audit(&AuditFilter::default(), 0, 10).await.unwrap();
    assert_eq!((kept.len(), &kept[0].notes[..]), (1, &["linked".to_owned(), "last_owner".to_owned()][..]));
    let file = folder.path().join("usher.db");
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    let changed = sqlx::query("UPDATE audit SET reason = 'another'").execute(&mut connection).await;
    assert!(changed.unwrap_err().to_string().contains("append-only"));
}

#[tokio::test]
async fn what_does_not_end_is_not_waited_for_at_the_end() {
    for lane in [Lane::Short, Lane::Long] {
        let folder = TempDir::new().unwrap();
        let database = open(&folder).await;
        let snapshot = database.read(lane).await.unwrap();
        let mut transaction = database.write(lane).await.unwrap();
        transaction.create(&bea()).await.unwrap();
        timeout(2 * CLOSE_TIMEOUT, database.close()).await.expect("it ends");
        drop((snapshot, transaction));
    }
}

#[tokio::test]
async fn a_transaction_that_is_dropped_has_done_nothing() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let mut dropped = database.write(Lane::Short).await.unwrap();
    dropped.create(&bea()).await.unwrap();
    drop(dropped);
    let chat = OrganizationId::new("chat");
    assert_eq!(database.read(Lane::Short).await.unwrap().member(&chat, &bea().id).await.unwrap(), None);

    let mut kept = database.write(Lane::Short).await.unwrap();
    kept.create(&bea()).await.unwrap();
    kept.commit().await.unwrap();
    assert_eq!(database.read(Lane::Short).await.unwrap().member(&chat, &bea().id).await.unwrap(), Some(bea()));
}

#[tokio::test]
async fn a_disk_that_was_full_is_written_again_once_there_is_room() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let mut turn = database.writer.turn(Lane::Short).await.unwrap();
    sqlx::query("PRAGMA max_page_count = 1").execute(turn.connection()).await.unwrap();
    drop(turn);
    let long = Member { name: Some("x".repeat(1 << 20)), ..bea() };
    let mut transaction = database.write(Lane::Short).await.unwrap();
    assert!(transaction.create(&long).await.is_err(), "the disk is full");
    drop(transaction);
    // For a connection that is opened anew there is no such limit.
    let mut transaction = database.write(Lane::Short).await.unwrap();
    transaction.create(&long).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_clock_that_was_turned_back_does_not_move_an_emails_not_before_back() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let (chat, email, role) = (OrganizationId::new("chat"), bea().email, Role::new("owner"));
    let identity = Identity { issuer: Issuer::new("https://acme.okta.example"), subject: Subject::new("bea") };
    let mut transaction = database.write(Lane::Short).await.unwrap();
    for (not_before, kept) in [(Some(10), Some(10)), (Some(5), Some(10)), (Some(11), Some(11)), (None, None)] {
        match not_before {
            Some(not_before) => transaction.block_email(&chat, &email, not_before).await.unwrap(),
            None => transaction.clear_email(&chat, &email).await.unwrap(),
        }
        let question = Question {
            organization: &chat,
            identity: &identity,
            email: &email,
            external_id: None,
            top_role: &role,
            primary_owner: None,
            tiers: &[],
            removals_after: 0,
        };
        assert_eq!(transaction.look(&question).await.unwrap().email_not_before, kept);
    }
}

#[tokio::test]
async fn a_seat_is_taken_by_the_statement_that_checks_the_cap() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let (chat, gold) = (OrganizationId::new("chat"), Tier::new("gold"));
    let mut transaction = database.write(Lane::Short).await.unwrap();
    for (cap, taken) in [(0, false), (2, true), (2, true), (2, false), (1, false), (3, true)] {
        assert_eq!(transaction.take_seat(&chat, &gold, Cap::Limited(cap)).await.unwrap(), taken, "of {cap}");
    }
    assert!(transaction.take_seat(&chat, &gold, Cap::Unlimited).await.unwrap());
    for _ in 0..4 {
        transaction.free_seat(&chat, &gold).await.unwrap();
    }
    assert!(transaction.free_seat(&chat, &gold).await.is_err(), "nobody holds one");
}

#[tokio::test]
async fn a_snapshot_does_not_see_what_comes_later() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let chat = OrganizationId::new("chat");
    let mut snapshot = database.read(Lane::Short).await.unwrap();
    let before = snapshot.position().await.unwrap();
    let mut transaction = database.write(Lane::Short).await.unwrap();
    transaction.create(&bea()).await.unwrap();
    transaction.append_change(&FeedEntry::Member(&bea()), NOW).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(snapshot.member(&chat, &bea().id).await.unwrap(), None);
    assert_eq!(snapshot.position().await.unwrap(), before);
}

#[tokio::test]
async fn those_who_wait_are_committed_together() {
    let folder = TempDir::new().unwrap();
    let metrics = Arc::new(Metrics::new().unwrap());
    let database = Arc::new(open_with(&folder, Arc::clone(&metrics)).await);
    let first = database.write(Lane::Short).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let database = Arc::clone(&database);
        writers.spawn(async move {
            let mut transaction = database.write(Lane::Short).await.unwrap();
            let member = Member {
                id: MemberId::new(format!("m{n}")),
                email: Email::parse(&format!("m{n}@acme.example")).unwrap(),
                ..bea()
            };
            transaction.create(&member).await.unwrap();
            // One of them changes its mind: that undoes nothing of the others.
            if n == 3 { drop(transaction) } else { drop(transaction.commit().await.unwrap()) }
        });
    }
    // On this one thread, all of them wait for their turn now.
    tokio::task::yield_now().await;
    first.commit().await.unwrap();
    writers.join_all().await;
    let (chat, everybody) = (OrganizationId::new("chat"), MemberFilter::default());
    let members = database.read(Lane::Short).await.unwrap().members(&chat, &everybody, None, 10).await.unwrap();
    let members: Vec<_> = members.iter().map(|member| member.id.as_str()).collect();
    assert_eq!(members, ["m0", "m1", "m2", "m4", "m5", "m6", "m7"]);
    let counted = |what: &str| -> u32 {
        let rendered = metrics.render();
        rendered.lines().find_map(|line| line.strip_prefix(what)).unwrap().trim().parse().unwrap()
    };
    assert_eq!(counted("usher_store_transactions_total"), 8);
    assert!(counted("usher_store_commits_total") < 8, "{}", metrics.render());
}

#[tokio::test]
async fn nothing_is_acknowledged_between_the_savepoint_and_the_commit() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let mut first = database.write(Lane::Short).await.unwrap();
    first.create(&bea()).await.unwrap();
    // A second one waits for its turn, so that the batch stays open once the first is done.
    let second = async { database.write(Lane::Short).await.unwrap() };
    let mut committing = Box::pin(first.commit());
    let second = tokio::select! {
        _ = &mut committing => panic!("acknowledged before the commit"),
        second = second => second,
    };
    assert!(tokio::time::timeout(Duration::ZERO, &mut committing).await.is_err());

    // What a crash at this moment would leave.
    let crashed = TempDir::new().unwrap();
    for file in ["usher.db", "usher.db-wal"] {
        std::fs::copy(folder.path().join(file), crashed.path().join(file)).unwrap();
    }
    let chat = OrganizationId::new("chat");
    let recovered = open(&crashed).await;
    assert_eq!(recovered.read(Lane::Short).await.unwrap().member(&chat, &bea().id).await.unwrap(), None);

    drop(second);
    committing.await.unwrap();
    assert_eq!(database.read(Lane::Short).await.unwrap().member(&chat, &bea().id).await.unwrap(), Some(bea()));
}

#[tokio::test]
async fn when_the_commit_fails_all_that_it_was_for_have_failed() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let mut first = database.write(Lane::Short).await.unwrap();
    first.create(&bea()).await.unwrap();
    let mut committing = Box::pin(first.commit());
    let mut second = tokio::select! {
        _ = &mut committing => panic!("acknowledged before the commit"),
        second = database.writer.turn(Lane::Short) => second.unwrap(),
    };
    // The transaction is undone underneath, as SQLite does by itself when the disk is full.
    sqlx::query("ROLLBACK").execute(second.connection()).await.unwrap();
    assert!(second.commit(false).await.is_err());
    assert!(committing.await.is_err());

    let chat = OrganizationId::new("chat");
    assert_eq!(database.read(Lane::Short).await.unwrap().member(&chat, &bea().id).await.unwrap(), None);
    let mut third = database.write(Lane::Short).await.unwrap();
    third.create(&bea()).await.unwrap();
    third.commit().await.unwrap();
    assert_eq!(database.read(Lane::Short).await.unwrap().member(&chat, &bea().id).await.unwrap(), Some(bea()));
}

#[tokio::test]
async fn what_takes_long_never_takes_what_a_login_needs() {
    const A_MOMENT: Duration = Duration::from_millis(50);
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let mut reading = Vec::new();
    for _ in 0..super::READERS {
        reading.push(database.read(Lane::Long).await.unwrap());
    }
    assert!(timeout(A_MOMENT, database.read(Lane::Long)).await.is_err(), "no more of these");
    assert!(database.read(Lane::Short).await.is_ok());
    assert!(database.ready().await.is_ok());

    // One at a time is in the writer's queue, and a login is next.
    let writing = database.write(Lane::Long).await.unwrap();
    let (mut second, mut login) = (pin!(database.write(Lane::Long)), pin!(database.write(Lane::Short)));
    assert!(timeout(A_MOMENT, &mut second).await.is_err());
    assert!(timeout(A_MOMENT, &mut login).await.is_err());
    drop(writing);
    let login = tokio::select! {
        biased;
        _ = &mut second => panic!("another that takes long came before a login"),
        login = &mut login => login.unwrap(),
    };
    // On disk before the other's turn is over, which it is not here.
    let committed = async { login.commit().await.unwrap() };
    let (committed, second) = tokio::join!(timeout(LONG, committed), second);
    assert!(committed.is_ok() && second.is_ok());
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_turn_is_told_that_others_write() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let _writing = database.write(Lane::Short).await.unwrap();
    let short = tokio::select! {
        biased;
        _ = database.write(Lane::Long) => panic!("what may take long waits no longer than a login"),
        short = database.write(Lane::Short) => short,
    };
    assert!(matches!(short, Err(DatabaseError::Busy(_))));
}

#[tokio::test]
async fn who_is_looked_for_by_external_id_or_role_is_found_by_an_index_without_statistics() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let mut reader = database.readers.acquire().await.unwrap();
    let chat = OrganizationId::new("chat");
    for (statement, index) in [
        (Statements::<sqlx::Sqlite>::members_with_external_id(&chat, "00u1"), "members_external_id"),
        (Statements::oldest_with_role(&chat, &Role::new("owner"), 10), "members_role"),
    ] {
        let rows = statement.explained().build().fetch_all(&mut *reader).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("members USING PRIMARY KEY")), "{plan:?}");
    }
}
