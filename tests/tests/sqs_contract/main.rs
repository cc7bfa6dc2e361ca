//! The contract of an SQS, checked over HTTP with the real SDK. It is checked on our SQS and on another emulator, so
//! that the contract is not just the behaviour of ours. The tests for our SQS only are in `ours` and `killed`.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod batches;
mod fifo;
mod killed;
mod messages;
mod ours;
mod queues;
mod subject;

/// Runs each of these tests on both.
macro_rules! contract {
    ($($module:ident :: $name:ident),* $(,)?) => {
        mod local_sqs {
            $(#[tokio::test] async fn $name() { crate::$module::$name(&crate::subject::ours().await).await; })*
        }
        mod ministack {
            $(#[tokio::test]
            #[ignore = "needs ministack: tests/run"]
            async fn $name() { crate::$module::$name(&crate::subject::ministack().await).await; })*
        }
    };
}

contract! {
    messages::what_was_sent_is_received_as_it_was_with_its_sums_and_attributes,
    messages::a_deleted_message_does_not_come_again,
    messages::a_message_that_was_not_deleted_comes_again_when_its_time_is_over,
    messages::visibility_can_be_given_up_and_prolonged,
    messages::a_long_poll_wakes_when_something_is_sent,
    messages::a_long_poll_wakes_when_something_becomes_visible,
    messages::what_cannot_be_sent_is_refused,
    messages::the_longest_message_is_taken,
    messages::characters_outside_xml_are_refused,
    messages::only_what_is_asked_for_is_told,
    messages::more_than_ten_at_once_cannot_be_asked_for,
    messages::a_made_up_receipt_handle_is_refused,
    queues::counts_and_attributes_are_told,
    queues::a_queue_that_is_not_there_is_named_so,
    queues::a_queue_is_made_again_only_with_the_same_attributes,
    queues::attributes_are_changed,
    queues::a_purged_queue_is_empty,
    queues::queues_are_listed_by_how_their_names_begin,
    fifo::a_group_hands_out_nothing_while_something_of_it_is_in_flight,
    fifo::a_batch_holds_several_of_a_group_in_order,
    fifo::what_comes_again_comes_in_order,
    fifo::other_groups_go_on,
    fifo::an_equal_dedupe_id_is_the_same_message_even_after_deletion,
    fifo::dedupe_ids_are_each_groups_own_where_the_scope_says_so,
    fifo::the_content_can_be_the_dedupe_id,
    fifo::what_was_received_too_often_goes_to_the_dead_letters_with_its_group,
    fifo::a_queues_delay_holds_for_each_message,
    fifo::many_receivers_at_once_keep_the_order_of_each_group,
    batches::a_batch_is_sent_received_and_deleted,
    batches::an_entry_that_fails_fails_alone,
    batches::an_entry_that_was_sent_before_is_the_message_that_it_was,
    batches::visibility_is_changed_for_several_each_for_itself,
    batches::batches_that_are_none_are_refused,
}
