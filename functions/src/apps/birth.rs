//! A conversation in which a health worker reports a birth.
//!
//! ```text
//! 1112223333 > birth
//! 1112223333 < A birth! What is the mother's name?
//! 1112223333 > Meseret
//! 1112223333 < What does the baby weigh, in grams?
//! 1112223333 > 2300
//! 1112223333 < Thank you. Meseret's baby is small: please take both to the health centre today.
//! ```

use serde::{Deserialize, Serialize};
use threadless::apps::{Conversation, Said, Turn};
use threadless::text::matching::{key, number};
use threadless::{AppError, tr};

/// The World Health Organization calls the weight of a newborn low if it is below this number of grams.
const LOW_WEIGHT: u32 = 2500;

/// A conversation that asks for the mother's name and the baby's weight.
pub(super) struct Birth;

/// The question that the next message answers.
#[derive(Default, Serialize, Deserialize)]
pub(super) enum Asked {
    #[default]
    Nothing,
    Mother,
    Weight {
        mother: String,
    },
}

impl Conversation for Birth {
    const NAME: &'static str = "birth";
    type State = Asked;

    async fn turn(&self, asked: Asked, said: Said) -> Result<Turn<Asked>, AppError> {
        let answer = said.text();
        Ok(match asked {
            Asked::Nothing => Turn::to(Asked::Mother, tr!("A birth! What is the mother's name?")),
            Asked::Mother if answer.is_empty() => Turn::stay(tr!("What is the mother's name?")),
            Asked::Mother => {
                let mother = answer.to_owned();
                Turn::to(Asked::Weight { mother }, tr!("What does the baby weigh, in grams?"))
            }
            Asked::Weight { mother } => match grams(answer) {
                Some(grams @ 300..=8000) => Turn::done(told(mother, grams)),
                _ => Turn::stay(tr!("Please send the weight in grams, such as 3200. CANCEL ends this.")),
            },
        })
    }
}

/// Reads a weight with or without its unit, as people type it: `3200`, `3200 g.`, `३२००`, `３２００ｇ`.
fn grams(answer: &str) -> Option<u32> {
    number(key(answer).trim_end_matches(['g', ' '])).ok()
}

fn told(mother: String, grams: u32) -> threadless::translate::Phrase {
    if grams < LOW_WEIGHT {
        tr!("Thank you. %(mother)s's baby is small: please take both to the health centre today.", mother)
    } else {
        tr!("Thank you. All the best to %(mother)s and the baby!", mother)
    }
}
