//! The deployed stack's answers to phones, through Kannel and the routes of the template.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use tests::forward::Forward;
use tests::http::get;
use tests::kannel::{Kannel, KannelOptions, Routing, Service, reassemble};

use crate::stack::{Account, LIMIT};

/// The short code.
const CODE: &str = "1234";

/// The shipped backend, and a second one that answers inline. Each has its own line.
pub(crate) const BACKENDS: [(&str, &str); 2] = [("my-kannel-backend", "A"), ("inline", "B")];

/// The messages from phones, and the expected replies. The second number opts out for a while.
const TRANSCRIPT: &str = "
1112223333 > echo hello
1112223333 < hello
1112223333 > ping
1112223333 < pong
1112223334 > echo ሰላም ለዓለም 👩‍💻
1112223334 < ሰላም ለዓለም 👩‍💻
1112223333 > hwllo
1112223333 < Sorry, Threadless could not understand your message.
";

/// Returns the shipped settings with the address of a real gateway, and a second backend.
pub(crate) fn settings(sendsms: SocketAddr) -> Result<String> {
    let mut settings = functions::SETTINGS.to_owned();
    for (shipped, here) in [("127.0.0.1:13013", sendsms.to_string().as_str()), ("\"usb0-modem\"", "\"A\"")] {
        ensure!(settings.contains(shipped), "{shipped} is no longer in the settings");
        settings = settings.replace(shipped, here);
    }
    Ok(settings
        + &format!(
            "\n[backends.inline]\nengine = \"kannel\"\ntoken = {{ secret = \"KANNEL_TOKEN\" }}\n\
             sendsms_url = \"http://{sendsms}/cgi-bin/sendsms\"\n[backends.inline.sendsms_params]\nsmsc = \"B\"\n\
             from = \"{CODE}\"\nusername = \"rapidsms\"\npassword = {{ secret = \"KANNEL_PASSWORD\" }}\n"
        ))
}

/// Starts a Kannel whose lines lead to the backends of the deployed stack, and that gets their replies.
pub(crate) async fn kannel(account: &Account, gateway: &Forward) -> Result<Kannel> {
    let (api, token) =
        (account.outputs()?.remove("ApiUrl").context("no ApiUrl")?, account.secret("KANNEL_TOKEN")?);
    let service = |(backend, line): (&str, &str)| {
        let url = account.url(&api, &format!("/backend/{backend}/?token={token}"))?;
        Ok(Service { line: Some(line.to_owned()), ..Service::new(&url) })
    };
    let mut options = KannelOptions::new("http://127.0.0.1:9/");
    options.services = BACKENDS.into_iter().map(service).collect::<Result<_>>()?;
    options.lines = BACKENDS.map(|(_, line)| line.to_owned()).into();
    // With other routing, any line takes any reply.
    options.routing = Routing::Named;
    let kannel = Kannel::start(options).await?;
    let sendsms = kannel.sendsms_url();
    let address = sendsms.split('/').nth(2).context("no address")?;
    gateway.to(address.parse()?);
    Ok(kannel)
}

/// Plays the transcript on both lines: one backend answers from the queue, the other inline.
pub(crate) async fn transcript(kannel: &Kannel) -> Result<()> {
    for (backend, line) in BACKENDS {
        let phone = kannel.line(line).context("no such line")?;
        let mut expected = phone.mts().len();
        for step in TRANSCRIPT.lines().filter(|step| !step.is_empty()) {
            if let Some((number, text)) = step.split_once(" > ") {
                phone.text(number, CODE, text).await?;
            } else if let Some((number, text)) = step.split_once(" < ") {
                expected += 1;
                let mts = phone
                    .wait_for_mts(expected, LIMIT)
                    .await
                    .with_context(|| format!("{backend}: {step}\n{}", kannel.log()))?;
                let reply = &mts[expected - 1];
                let said = reassemble(std::slice::from_ref(reply))?;
                assert_eq!((reply.to.as_str(), said.as_str()), (number, text), "{backend}");
            }
        }
    }
    Ok(())
}

/// Follows the page to functions with their own URLs. These functions answer the messages that arrive there.
pub(crate) async fn without_sam(account: &Account, kannel: &Kannel) -> Result<()> {
    let said = account.follow("Without SAM")?;
    let id = said.lines().last().and_then(|url| url.strip_prefix("https://")?.split('.').next());
    let id = id.with_context(|| format!("no function URL: {said}"))?;
    let (backend, token) = (BACKENDS[0].0, account.secret("KANNEL_TOKEN")?);
    let before = kannel.smsc().mts().len();
    let query = format!("id=1112223335&hex=6563686F2075726C&charset=UTF-8&coding=0&token={token}");
    let url = format!("{}/_aws/lambda-url/{id}/backend/{backend}/?{query}", account.endpoint());
    let answer = get(&url).await?;
    ensure!((answer.status, answer.body.as_str()) == (200, ""), "{answer:?}");
    let reply = &kannel.smsc().wait_for_mts(before + 1, LIMIT).await?[before];
    assert_eq!((reply.to.as_str(), reassemble(std::slice::from_ref(reply))?.as_str()), ("1112223335", "url"));
    Ok(())
}
