//! A reminder to supervisors, every Monday at eight.

use threadless::{App, AppError, JobContext, Recipient, Schedule};

const TEXT: &str = "Good morning! Have all your health workers sent last week's reports?";

/// An app that reminds supervisors of the weekly reports.
pub(super) struct Reminder {
    supervisors: Vec<String>,
}

impl Reminder {
    /// Creates the app. Each supervisor is a backend and a number at this backend: `my-kannel-backend:0722123456`.
    pub(super) fn to(supervisors: &[&str]) -> Self {
        Self { supervisors: supervisors.iter().map(|one| (*one).to_owned()).collect() }
    }
}

impl App for Reminder {
    fn check(&self) -> Result<(), AppError> {
        for supervisor in &self.supervisors {
            supervisor.parse::<Recipient>()?;
        }
        Ok(())
    }

    fn jobs(&self) -> Vec<Schedule> {
        let known = self.supervisors.iter().filter_map(|one| one.parse::<Recipient>().ok());
        let supervisors: Vec<Recipient> = known.collect();
        vec![Schedule::cron("weekly-reports", "0 8 * * MON", "Africa/Nairobi", move |cx: JobContext| {
            let supervisors = supervisors.clone();
            async move { Ok(cx.send(TEXT, supervisors)?) }
        })]
    }
}

#[cfg(test)]
mod tests {
    use threadless::testing::Bench;
    use threadless::{Router, apps};

    use super::*;

    #[tokio::test]
    async fn supervisors_are_reminded_on_monday_at_eight_in_nairobi() {
        let bench = Bench::new(Router::new().app(apps::Ping).app(Reminder::to(&["bench:0722123456"])));
        bench
            .transcript(
                "
                # A Sunday.
                0722123456@202611290700 > ping
                0722123456 < pong
                0722123456@202611300500 < Good morning! Have all your health workers sent last week's reports?
                # No other day.
                @202612061200
                0722123456@202612070500 < Good morning! Have all your health workers sent last week's reports?
                ",
            )
            .await;
    }

    #[test]
    fn a_supervisor_that_is_none_is_found_before_the_start() {
        assert!(Router::new().app(Reminder::to(&["0722123456"])).check().is_err());
    }
}
