//! The shipped template, built and deployed by SAM as `infra/README.md` describes it, into an emulator of AWS that runs
//! the compiled functions.

// These lints do not matter in tests.
#![allow(clippy::format_collect)]

mod answers;
mod checkout;
mod dead_letters;
mod lambda;
mod page;
mod refused;
mod stack;
mod tester;

use anyhow::Result;
use stack::Account;
use tests::forward::Forward;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SAM, cargo-lambda, ministack, the AWS CLI and Kannel: tests/run"]
async fn the_page_leads_from_a_clone_to_a_phone_that_gets_an_answer_and_back() -> Result<()> {
    let gateway = Forward::start().await?;
    let account = Account::open(&answers::settings(gateway.address())?).await?;
    account.follow("Secrets")?;
    account.follow("Deploy")?;

    let kannel = answers::kannel(&account, &gateway).await?;
    account.follow("First message")?;
    let reply = &kannel.smsc().wait_for_mts(1, stack::LIMIT).await?[0];
    assert_eq!((reply.to.as_str(), reply.bytes.as_slice()), ("1112223333", b"hello".as_slice()));
    answers::transcript(&kannel).await?;
    account.follow("Watch")?;
    dead_letters::come_back(&account, &kannel).await?;
    refused::an_update_changes_nothing(&account, &kannel).await?;
    account.follow("Update")?;
    answers::transcript(&kannel).await?;
    account.follow("The message tester")?;
    tester::answers_who_has_the_password_and_nobody_else(&account).await?;
    account.follow("A private network")?;
    answers::transcript(&kannel).await?;
    answers::without_sam(&account, &kannel).await?;
    account.follow("Tear down")?;
    kannel.shutdown().await;
    Ok(())
}
