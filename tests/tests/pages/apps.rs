//! The apps of this project, in their order. Put your apps here.
//!
//! The present apps are those of a small health service. Community health workers register, report cases and report
//! births. Supervisors get a reminder of the reports. The files in `tests/transcripts/` show the replies of the apps.

#[path = "../../../functions/src/apps/birth.rs"]
mod birth;
#[path = "../../../functions/src/apps/reminder.rs"]
mod reminder;
#[path = "../../../functions/src/apps/report.rs"]
mod report;

use threadless::Router;
use threadless::apps::{DefaultReply, Echo, Help, Ping, Registration, conversation, keyword};

/// Installs the apps.
pub fn apps(router: Router) -> Router {
    router
        .app(Help::new())
        .app(Ping)
        .app(Echo)
        .app(Registration::new())
        .app(report::app())
        .app(conversation("birth|baby", birth::Birth))
        // Put your supervisors here: &["my-kannel-backend:0722123456"].
        .app(reminder::Reminder::to(&[]))
        .app(keyword("hours|open", async |_| "We are open 8 to 17."))
        .app(DefaultReply)
        .catalogue("sw", include_str!("../../../functions/locale/sw.po"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apps_fit_together() {
        apps(Router::new()).check().unwrap();
    }

    #[tokio::test]
    async fn the_clinic_tells_its_hours() {
        let bench = threadless::testing::Bench::new(apps(Router::new()));
        bench.transcript("1112223333 > open\n1112223333 < We are open 8 to 17.").await;
    }
}
