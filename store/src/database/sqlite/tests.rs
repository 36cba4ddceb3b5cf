//! What only SQLite itself can tell: its settings, and what the feed keeps.

use sqlx::query_scalar;
use tempfile::TempDir;
use usher_policy::id::{Email, MemberId, OrganizationId, Role};
use usher_policy::member::{Member, Source};

use super::Sqlite;
use crate::database::{Database, FeedEntry};

const NOW: u64 = 1_767_225_600;
const DAY: u64 = 24 * 60 * 60;

async fn open(folder: &TempDir) -> Sqlite {
    Sqlite::open(&format!("sqlite://{}", folder.path().join("usher.db").display())).await.unwrap()
}

fn bea() -> Member {
    let (organization, email) = (OrganizationId::new("chat"), Email::parse("bea@acme.example").unwrap());
    Member::new(MemberId::new("bea"), organization, email, Role::new("user"), Source::Manual, NOW)
}

#[tokio::test]
async fn a_commit_is_on_disk_and_readers_cannot_write() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    for pool in [&database.writer, &database.readers] {
        let mode: String = query_scalar("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
        let synchronous: i64 = query_scalar("PRAGMA synchronous").fetch_one(pool).await.unwrap();
        let foreign_keys: i64 = query_scalar("PRAGMA foreign_keys").fetch_one(pool).await.unwrap();
        assert_eq!((mode.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
    }
    assert!(sqlx::query("DELETE FROM members").execute(&database.writer).await.is_ok());
    assert!(sqlx::query("DELETE FROM members").execute(&database.readers).await.is_err());
}

#[tokio::test]
async fn a_transaction_that_is_dropped_has_done_nothing() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let mut dropped = database.write().await.unwrap();
    dropped.create(&bea()).await.unwrap();
    drop(dropped);
    let chat = OrganizationId::new("chat");
    assert_eq!(database.read().await.unwrap().member(&chat, &bea().id).await.unwrap(), None);

    let mut kept = database.write().await.unwrap();
    kept.create(&bea()).await.unwrap();
    kept.commit().await.unwrap();
    assert_eq!(database.read().await.unwrap().member(&chat, &bea().id).await.unwrap(), Some(bea()));
}

#[tokio::test]
async fn a_disk_that_was_full_is_written_again_once_there_is_room() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    sqlx::query("PRAGMA max_page_count = 1").execute(&database.writer).await.unwrap();
    let long = Member { name: Some("x".repeat(1 << 20)), ..bea() };
    let mut transaction = database.write().await.unwrap();
    assert!(transaction.create(&long).await.is_err(), "the disk is full");
    drop(transaction);
    // For a connection that is opened anew there is no such limit.
    let mut transaction = database.write().await.unwrap();
    transaction.create(&long).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_clock_that_was_turned_back_does_not_move_an_emails_not_before_back() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let (chat, email) = (OrganizationId::new("chat"), bea().email);
    let mut transaction = database.write().await.unwrap();
    for (not_before, kept) in [(Some(10), Some(10)), (Some(5), Some(10)), (Some(11), Some(11)), (None, None)] {
        transaction.keep_email_not_before(&chat, &email, not_before).await.unwrap();
        assert_eq!(transaction.email_not_before(&chat, &email).await.unwrap(), kept);
    }
}

#[tokio::test]
async fn a_snapshot_does_not_see_what_comes_later() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let chat = OrganizationId::new("chat");
    let mut snapshot = database.read().await.unwrap();
    let before = snapshot.position().await.unwrap();
    let mut transaction = database.write().await.unwrap();
    transaction.create(&bea()).await.unwrap();
    transaction.append_change(&FeedEntry::Member(&bea()), NOW).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(snapshot.member(&chat, &bea().id).await.unwrap(), None);
    assert_eq!(snapshot.position().await.unwrap(), before);
}

#[tokio::test]
async fn the_feed_keeps_a_day_and_a_hundred_thousand_changes() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100003) \
                INSERT INTO changes (organization, member, status, at) SELECT 'chat', 'x', 'removed', ? FROM n";
    sqlx::query(fill).bind(NOW as i64).execute(&database.writer).await.unwrap();
    let append = async |now: u64| {
        let mut transaction = database.write().await.unwrap();
        transaction.append_change(&FeedEntry::Removed(&bea()), now).await.unwrap();
        transaction.commit().await.unwrap();
        let oldest: i64 = query_scalar("SELECT min(position) FROM changes").fetch_one(&database.writer).await.unwrap();
        let newest: i64 = query_scalar("SELECT max(position) FROM changes").fetch_one(&database.writer).await.unwrap();
        (oldest, newest)
    };
    assert_eq!(append(NOW + DAY).await, (1, 100_004), "a day is kept, however many");
    assert_eq!(append(NOW + DAY + 1).await, (3, 100_005), "then the oldest go, two at a time");
    assert_eq!(append(NOW + DAY + 1).await, (5, 100_006));
    assert_eq!(append(NOW + DAY + 1).await, (7, 100_007));
    assert_eq!(append(NOW + DAY + 1).await, (9, 100_008), "until a hundred thousand are left");
    assert_eq!(append(NOW + DAY + 1).await, (10, 100_009));
    assert_eq!(append(NOW + DAY + 1).await, (11, 100_010));
}
