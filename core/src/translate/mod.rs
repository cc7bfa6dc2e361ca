//! Saying things in the language of whoever gets them.
//!
//! A text that people read is written with [`tr!`](crate::tr), in English, and said with
//! [`Context::say`](crate::Context::say). What it is in other languages stands in catalogues, one gettext file (`.po`)
//! a language, as translators and their tools (Poedit, Weblate …) know them. The text in the program is the key.
//!
//! ```
//! use threadless::apps::{Registration, Said, keyword};
//! use threadless::{Router, tr};
//!
//! /// What `include_str!("../locale/am.po")` would be in a project.
//! const AMHARIC: &str = r#"
//! msgid ""
//! msgstr "Plural-Forms: nplurals=2; plural=(n > 1);\n"
//!
//! msgid "%(count)s case of %(disease)s, thank you."
//! msgid_plural "%(count)s cases of %(disease)s, thank you."
//! msgstr[0] "%(count)s የ%(disease)s ታማሚ፣ እናመሰግናለን።"
//! msgstr[1] "%(count)s የ%(disease)s ታማሚዎች፣ እናመሰግናለን።"
//! "#;
//!
//! async fn malaria(mut said: Said) -> Result<(), threadless::AppError> {
//!     let count: u32 = said.text().parse()?;
//!     let disease = "malaria";
//!     said.say(tr!(
//!         "%(count)s case of %(disease)s, thank you.",
//!         "%(count)s cases of %(disease)s, thank you.",
//!         count,
//!         disease,
//!     ));
//!     Ok(())
//! }
//!
//! let router = Router::new().app(Registration::new()).app(keyword("malaria", malaria)).catalogue("am", AMHARIC);
//!
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let bench = threadless::testing::Bench::with(router).language("am", "Amharic").build();
//! bench
//!     .transcript(
//!         "
//!         1112223333 > malaria 1
//!         1112223333 < 1 case of malaria, thank you.
//!         1112223333 > language Amharic
//!         1112223333 < ከአሁን ጀምሮ በAmharic እጽፍልዎታለሁ።
//!         1112223333 > malaria 2
//!         1112223333 < 2 የmalaria ታማሚዎች፣ እናመሰግናለን።
//!         ",
//!     )
//!     .await;
//! # });
//! ```
//!
//! # Which language it is
//!
//! The first of these that has the text:
//!
//! 1. the [contact's](crate::Contact::language) language, and without region: `pt` for `pt-br`;
//! 2. the project's [default](Languages::default), likewise;
//! 3. the text in the program.
//!
//! English is the language of the text in the program: who speaks it gets that, unless there is a catalogue for `en`.
//! Of the project's catalogues and those that come with this the project's counts.
//!
//! # What is checked
//!
//! | what | when |
//! |---|---|
//! | a value without a place in the text, a place without a value | it does not compile |
//! | a `.po` file that cannot be read; `%(name)s` in a translation and not in its text; too few plural forms | the function does not start, with file, line and all other faults; [`Router::check`](crate::Router::check) in a test |
//! | a text that one language has and another has not; a language of the settings without a catalogue, a catalogue without its language | a warning in the log when the function starts; [`Router::untranslated`](crate::Router::untranslated) in a test |
//! | a translation that its translator marked as fuzzy | as if it were not there |
//!
//! `msgctxt` is not known, and a fault. `%%` stands for `%`; a `%` alone for itself.
//!
//! # Why gettext
//!
//! `RapidSMS` projects have such files already, and whoever translates for an NGO has the tools. The rules for plurals
//! come with each file, so that no table of all languages goes into the function.

mod bundled;
mod catalogue;
mod catalogues;
mod languages;
mod phrase;
mod placeholders;
mod plural;
mod po;

pub(crate) use catalogues::Catalogues;
pub use languages::Languages;
pub use phrase::Phrase;
#[doc(hidden)]
pub use placeholders::check;
