//! Many messages of many senders.

use std::collections::{BTreeMap, BTreeSet};

use tests::kannel::messages;

use super::{CODE, LIMIT, MODES, kannel_and_stack};

const SENDERS: usize = 200;
const EACH: usize = 5;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn a_thousand_messages_have_a_thousand_replies_each_once_and_in_order() {
    for mode in MODES {
        let (kannel, _stack) = kannel_and_stack(mode).await;
        let phone = kannel.smsc();
        for nth in 0..EACH {
            let all = (0..SENDERS).map(|sender| {
                let number = format!("9{sender:09}");
                async move { phone.text(&number, CODE, &format!("count m{nth}")).await }
            });
            futures_util::future::try_join_all(all).await.unwrap();
        }
        let mts = phone.wait_for_mts(SENDERS * EACH, LIMIT).await.unwrap();
        assert_eq!(mts.len(), SENDERS * EACH, "{mode}");
        let mut by_sender: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for message in messages(&mts).unwrap() {
            by_sender.entry(message.to).or_default().push(message.text);
        }
        assert_eq!(by_sender.len(), SENDERS, "{mode}");
        for (number, replies) in by_sender {
            // The number is the order of acceptance. Kannel itself may deliver two messages of one sender in either
            // order.
            let numbers: Vec<&str> = replies.iter().map(|reply| reply.split(' ').next().unwrap()).collect();
            let texts: BTreeSet<&str> =
                replies.iter().map(|reply| reply.split(' ').nth(1).unwrap()).collect();
            assert_eq!(numbers, ["1", "2", "3", "4", "5"], "{mode} {number}: {replies:?}");
            assert_eq!(texts.len(), EACH, "{mode} {number}: {replies:?}");
        }
    }
}
