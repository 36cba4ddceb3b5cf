//! Hears of every replica's changes: LISTEN, and a look at the feed's head now and then should a notice be lost.

use std::pin::pin;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::PATIENCE;

/// Notices go out on this channel, with the commit of the changes that they are about.
pub(super) const CHANNEL: &str = "usher_changes";

/// How often the head is looked at: a pooler in between may swallow notices.
const LOOK: Duration = Duration::from_secs(1);

/// Between two attempts to listen.
const PAUSE: Duration = Duration::from_millis(250);

/// Listens until aborted, whatever becomes of the connection.
pub(super) async fn listen(pool: PgPool, feed_grew: watch::Sender<u64>) {
    loop {
        if let Err(error) = listen_once(&pool, &feed_grew).await {
            tracing::warn!(%error, "cannot listen for the database's changes; trying again");
        }
        sleep(PAUSE).await;
    }
}

async fn listen_once(pool: &PgPool, feed_grew: &watch::Sender<u64>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        let mut notice = pin!(listener.try_recv());
        let heard = loop {
            tokio::select! {
                heard = &mut notice => break heard,
                // The first look is at once: nothing was heard before.
                _ = looks.tick() => {
                    let look = sqlx::query_scalar("SELECT position FROM feed_head").fetch_one(pool);
                    // Where this hangs, so does the listening connection: begin anew.
                    let head: i64 = timeout(PATIENCE, look).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
                    if seen.replace(head) != Some(head) {
                        feed_grew.send_modify(|times| *times = times.wrapping_add(1));
                    }
                }
            }
        };
        // `None` is a connection that was lost and is there again: something may have been missed.
        heard?;
        feed_grew.send_modify(|times| *times = times.wrapping_add(1));
    }
}
