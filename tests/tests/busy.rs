//! One sender who sends very many messages at once.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use tests::http::get;
use tests::recorder::{Recorder, Reply};
use threadless::{App, AppError, Context, Handled, Router};
use threadless_local::Stack;
use tokio::sync::Semaphore;

const MESSAGES: u32 = 400;

struct Counter;

impl App for Counter {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let count = cx.session().get::<u32>("count")?.unwrap_or(0) + 1;
        cx.session_mut().set("count", &count)?;
        cx.reply(count.to_string());
        Ok(Handled::Yes)
    }
}

/// Sends messages of one sender over this number of connections at once, and compares the replies.
async fn all_are_taken_and_counted_once(connections: usize) {
    let gateway = Recorder::start().await.unwrap();
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let settings = format!(
        "[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\nrespond = \"inline\"\nreplies_per_hour = 0\n\
         sendsms_url = \"{}\"\n",
        gateway.url("/cgi-bin/sendsms")
    );
    let apps = |router: Router| router.app(Counter);
    let stack = Stack::start(tests::stack::with_apps(apps, &settings)).await.unwrap();
    let places = Arc::new(Semaphore::new(connections));
    let sending = (0..MESSAGES).map(|number| {
        let url = format!("http://{}/backend/k/?id=1112223333&text=x&mid={number}", stack.front);
        let places = Arc::clone(&places);
        async move {
            let _place = places.acquire().await.unwrap();
            get(&url).await.unwrap().status
        }
    });
    let statuses: BTreeSet<u16> = futures_util::future::join_all(sending).await.into_iter().collect();
    assert_eq!(statuses, [200].into(), "{connections} connections");
    gateway.wait_for(MESSAGES as usize, std::time::Duration::from_mins(3)).await.unwrap();
    let mut counts: Vec<u32> =
        gateway.requests().iter().map(|sent| sent.text("text").unwrap().parse().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=MESSAGES).collect::<Vec<_>>(), "{connections} connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_with_very_many_messages_at_once_loses_none_and_waits_for_none() {
    for connections in [8, 64, 200] {
        all_are_taken_and_counted_once(connections).await;
    }
}
