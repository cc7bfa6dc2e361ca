//! The apps of the simulated project, and the expected effect of each message.

use std::time::Duration;

use threadless::{
    App, AppError, Context, FinalStatus, Handled, JobContext, Recipient, Report, Router, Schedule,
};

use crate::plan::Says;
use crate::world::World;

/// The first word of a job's messages.
pub(crate) const JOB: &str = "job";

/// Returns the tag that identifies the message of this event.
pub(crate) fn tag(event: u32) -> String {
    format!("m{event}")
}

/// Returns the words of a message.
pub(crate) fn words(tag: &str, says: &Says) -> String {
    let people = |people: &[u8]| people.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
    match says {
        Says::Count => format!("count {tag}"),
        Says::Many(replies) => format!("many {tag} {replies}"),
        Says::Tell(others) => format!("tell {tag} {}", people(others)),
        Says::TellContact(other) => format!("person {tag} {other}"),
        Says::Slow(ms) => format!("slow {tag} {ms}"),
        Says::Fail => format!("fail {tag}"),
        Says::Hang => format!("hang {tag}"),
        Says::Quiet => format!("quiet {tag}"),
        Says::Name => format!("name {tag}"),
        Says::Join(other) => format!("join {tag} {other}"),
        Says::Stop => "stop".to_owned(),
        Says::Start => "start".to_owned(),
    }
}

/// Returns the texts that such a message puts into the outbox. Texts for other recipients come last.
pub(crate) fn effect(tag: &str, says: &Says) -> Vec<String> {
    match says {
        Says::Many(replies) => (1..=*replies).map(|nth| format!("{tag}/{nth}")).collect(),
        Says::Quiet | Says::Stop | Says::Start => Vec::new(),
        Says::Tell(_) | Says::TellContact(_) => vec![format!("{tag}/1"), format!("{tag}>")],
        _ => vec![format!("{tag}/1")],
    }
}

/// Returns whether such a message is counted in the session.
pub(crate) fn is_counted(says: &Says) -> bool {
    !matches!(says, Says::Stop | Says::Start)
}

/// Returns the apps of a project in this world.
pub(crate) fn router(world: &World) -> Router {
    let router = Router::new().app(Faulty);
    let people = world.people.iter().map(Recipient::from).collect();
    let router = router.app(Counter { people, jobs: world.shape.jobs });
    if world.shape.reports { router.app(Listener) } else { router }
}

/// An app that fails or hangs if a message asks for it.
struct Faulty;

impl App for Faulty {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        if cx.text().starts_with("fail ") {
            cx.session_mut().set("list", &["of an app that failed"])?;
            return Err("it fails".into());
        }
        if cx.text().starts_with("hang ") {
            cx.session_mut().set("list", &["of an app that hung"])?;
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        Ok(Handled::No)
    }
}

/// An app that records every message that reaches it.
struct Counter {
    people: Vec<Recipient>,
    jobs: bool,
}

impl Counter {
    fn person(&self, word: &str) -> Result<Recipient, AppError> {
        let number: usize = word.parse()?;
        Ok(self.people.get(number).cloned().ok_or("no such person")?)
    }
}

impl App for Counter {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let text = cx.text().to_owned();
        let mut words = text.split_whitespace();
        let (Some(what), Some(tag)) = (words.next(), words.next()) else { return Ok(Handled::No) };
        let rest: Vec<&str> = words.collect();
        let mut list = cx.session().get::<Vec<String>>("list")?.unwrap_or_default();
        list.push(tag.to_owned());
        cx.session_mut().set("list", &list)?;
        let mut replies = 1;
        match what {
            "quiet" => return Ok(Handled::Yes),
            "many" => replies = rest.first().ok_or("how many?")?.parse()?,
            "slow" => {
                let ms = rest.first().ok_or("how slow?")?.parse()?;
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            "tell" => {
                let others = rest.iter().map(|word| self.person(word)).collect::<Result<Vec<_>, _>>()?;
                cx.send(format!("{tag}>"), others)?;
            }
            "person" => {
                let other = self.person(rest.first().ok_or("who?")?)?;
                let Recipient::Connection(connection) = &other else { return Err("no connection".into()) };
                // A failure of the store is no reason to fail here too.
                let contact = cx.find_contact_of(connection).await.unwrap_or_default();
                cx.send(format!("{tag}>"), [contact.as_ref().map_or(other.clone(), Recipient::from)])?;
            }
            "name" => {
                let contact = cx.contact_mut();
                let mut list = contact.get::<Vec<String>>("list")?.unwrap_or_default();
                list.push(tag.to_owned());
                contact.set("list", &list)?;
            }
            "join" => {
                let other = self.person(rest.first().ok_or("whom?")?)?;
                let Recipient::Connection(connection) = &other else { return Err("no connection".into()) };
                if let Ok(Some(contact)) = cx.find_contact_of(connection).await {
                    cx.join_contact(contact)?;
                }
            }
            _ => {}
        }
        for nth in 1..=replies {
            cx.reply(format!("{tag}/{nth}"));
        }
        Ok(Handled::Yes)
    }

    fn jobs(&self) -> Vec<Schedule> {
        if !self.jobs {
            return Vec::new();
        }
        let people: Vec<Recipient> = self.people.iter().take(2).cloned().collect();
        vec![Schedule::every("every", "2m", move |cx: JobContext| {
            let people = people.clone();
            async move {
                let mut list = cx.state::<Vec<i64>>()?.unwrap_or_default();
                list.push(cx.due().as_second());
                cx.set_state(&list)?;
                cx.send(format!("{JOB} {}", cx.due().as_second()), people)?;
                Ok(())
            }
        })]
    }
}

/// An app that records the final status of messages.
struct Listener;

impl App for Listener {
    async fn report(&self, cx: &mut Context, report: &Report) -> Result<(), AppError> {
        let mut list = cx.session().get::<Vec<String>>("reports")?.unwrap_or_default();
        list.push(format!("{} {}", report.message, report.final_status.as_str()));
        cx.session_mut().set("reports", &list)?;
        if report.final_status == FinalStatus::Failed {
            cx.reply(format!("{} failed", report.message));
        }
        Ok(())
    }
}
