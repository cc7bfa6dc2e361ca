//! Translations: each person gets texts in their own language.
//!
//! An app writes a text for people in English, with [`tr!`](crate::tr), and sends it with
//! [`Context::say`](crate::Context::say). Catalogues have the translations. A catalogue is one gettext file (`.po`) for
//! each language; translators and their tools (Poedit, Weblate …) know this format. The text in the program is the key.
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
//!     let count: u32 = said.parse()?;
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
//! # The choice of the language
//!
//! Threadless uses the first of these texts that exists:
//!
//! 1. the translation into the language of the [contact](crate::Contact::language), or into the language without its
//!    region: `pt` for `pt-br`;
//! 2. the translation into the project's [default language](Languages::default), in the same way;
//! 3. the text in the program.
//!
//! The text in the program is English. A person who speaks English gets this text, unless there is a catalogue for
//! `en`. The catalogues of the project take precedence over the bundled ones.
//!
//! # The checks
//!
//! | fault | where it shows |
//! |---|---|
//! | a value without a place in the text, or a place without a value | the program does not compile |
//! | a `.po` file that cannot be read; `%(name)s` in a translation but not in its text; a wrong number of plural forms | the Lambda function does not start, and lists the file, the line and all other faults; in a test, [`Router::check`](crate::Router::check) lists them |
//! | a text that one language has and another lacks; a language of the settings without a catalogue; a catalogue without its language in the settings | a warning in the log when the Lambda function starts; in a test, [`Router::untranslated`](crate::Router::untranslated) lists them |
//! | a translation that its translator marked as fuzzy | it counts as missing |
//!
//! `msgctxt` is not supported, and counts as a fault. `%%` stands for `%`; a single `%` stands for itself.
//!
//! # Why gettext
//!
//! `RapidSMS` projects already have such files, and the translators of an NGO have the tools. Each file brings the
//! plural rules of its language, so the Lambda function needs no table of all languages.

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
