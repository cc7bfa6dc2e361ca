//! Reports of cases of a disease. Only a registered person can report.
//!
//! ```text
//! 1112223333 > report yellow fever 3
//! 1112223333 < Thank you, Asha: 3 cases of yellow fever, 5 in all.
//! ```

use serde::Deserialize;
use threadless::apps::{Said, pattern};
use threadless::translate::Phrase;
use threadless::{App, AppError, tr};

/// The key in a contact for the number of all cases that the person reported.
const CASES: &str = "report.cases";

const HELP: &str = "To report cases, send: REPORT <DISEASE> <NUMBER>";

/// The form of a report: a disease of any number of words, and a number after it. Any other text after the word
/// `report` gets the help: the number is missing or too large, or more text follows it (`report malaria 3 cases`), so
/// that no second report in one message is lost.
const FORM: &str = r"(?:report|rpt)\b[\s:;,=.!?]*(?<disease>\D*?)[\s:;,=]*(?<count>[^\s\w:;,=]*\d.*|)";

#[derive(Deserialize)]
struct Cases {
    disease: String,
    count: u16,
}

/// Creates the app. It answers `report <disease> <number>`.
pub(super) fn app() -> impl App {
    pattern(FORM, report).help(HELP).listed_as("report")
}

async fn report(mut said: Said, Cases { disease, count }: Cases) -> Result<Phrase, AppError> {
    if disease.is_empty() {
        return Ok(Phrase::new(HELP));
    }
    let Some(worker) = said.contact().filter(|contact| !contact.name().is_empty()) else {
        return Ok(tr!("Who are you? First send: JOIN <NAME>"));
    };
    let (name, before) = (worker.name().to_owned(), worker.get::<u32>(CASES)?.unwrap_or(0));
    let total = before.saturating_add(count.into());
    said.contact_mut().set(CASES, &total)?;
    Ok(tr!(
        "Thank you, %(name)s: %(count)s case of %(disease)s, %(total)s in all.",
        "Thank you, %(name)s: %(count)s cases of %(disease)s, %(total)s in all.",
        count,
        name,
        disease,
        total,
    ))
}
