//! Registration, and replies in the language of the recipient.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use threadless::apps::{DefaultReply, Echo, Help, Ping, Registration, Said, keyword};
use threadless::backend::Engines;
use threadless::project::Settings;
use threadless::settings::Surroundings;
use threadless::testing::Bench;
use threadless::{Router, tr};

/// A project's own catalogue in Oromo, for which nothing is bundled. It contains a text for the opt-out.
const OROMO: &str = r#"
msgid ""
msgstr "Plural-Forms: nplurals=2; plural=(n > 1);\n"

msgid "%(name)s: %(count)s case"
msgid_plural "%(name)s: %(count)s cases"
msgstr[0] "dhukkubsataa %(count)s (%(name)s)"
msgstr[1] "dhukkubsattoota %(count)s (%(name)s)"

msgid "Thank you for registering, %(name)s!"
msgstr "Galatoomi, %(name)s!"

msgid "%(project_name)s will send you no more messages. Text START to get them again."
msgstr "%(project_name)s ergaa siif hin ergu. START barreessi."
"#;

async fn cases(said: Said) -> Result<threadless::translate::Phrase, threadless::AppError> {
    let (count, name) = (said.text().parse::<u32>()?, said.contact().map_or("", |contact| contact.name()));
    Ok(tr!("%(name)s: %(count)s case", "%(name)s: %(count)s cases", count, name))
}

fn apps() -> Router {
    Router::new()
        .app(Ping)
        .app(Echo)
        .app(Help::new())
        .app(Registration::new())
        .app(keyword("cases", cases).help("To register, send: JOIN <NAME>"))
        .app(DefaultReply)
        .catalogue("om", OROMO)
}

fn bench() -> Bench {
    Bench::with(apps())
        .about("Clinic", "Sorry, %(project_name)s could not understand your message.")
        .language("am", "አማርኛ")
        .language("ar", "العربية")
        .language("om", "Oromoo")
        .language("pt-br", "Português do Brasil")
        .build()
}

#[tokio::test]
async fn people_register_by_whole_words_and_are_told_how() {
    let bench = bench();
    bench
        .transcript(
            "
            1 > joining us
            1 < Sorry, Clinic could not understand your message.
            1 > register
            1 < To register, send: JOIN <NAME>
            1 > JOIN:
            1 < To register, send: JOIN <NAME>
            1 > reg, Asha
            1 < Thank you for registering, Asha!
            1 > Register Asha Bekele
            1 < Thank you for registering, Asha Bekele!
            2 > join ወርቅነሽ
            2 < Thank you for registering, ወርቅነሽ!
            3 > join %(name)s 100%% %(project_name)s
            3 < Thank you for registering, %(name)s 100%% %(project_name)s!
            ",
        )
        .await;
    assert_eq!(bench.contact("1").await.unwrap().name(), "Asha Bekele");
    assert_eq!(bench.contact("3").await.unwrap().name(), "%(name)s 100%% %(project_name)s");
    let long = format!("join {}", "x".repeat(257));
    bench.receive("4", &long, None).await.unwrap();
    bench.receive("4", "join  two\n lines ", None).await.unwrap();
    let said = bench.gateway.texts();
    assert_eq!(
        said[said.len() - 2..],
        ["To register, send: JOIN <NAME>", "Thank you for registering, two lines!"]
    );
}

#[tokio::test]
async fn a_language_is_chosen_by_code_or_name_and_spoken_from_then_on() {
    let bench = bench();
    bench
        .transcript(
            "
            1 > lang
            1 < To choose a language, send: LANGUAGE <NAME>
            1 > language klingon
            1 < I do not speak klingon. Send LANGUAGE and one of these: አማርኛ, العربية, English, Oromoo, Português do Brasil
            1 > languages
            1 < Sorry, Clinic could not understand your message.
            1 > LANGUAGE AM
            1 < ከአሁን ጀምሮ በአማርኛ እጽፍልዎታለሁ።
            1 > join
            1 < ለመመዝገብ JOIN <ስም> ብለው ይላኩ
            1 > join አበበ
            1 < ስለተመዘገቡ እናመሰግናለን፣ አበበ!
            1 > echo
            1 < ጽሑፍ ተመልሶ እንዲደርስዎ ECHO <ጽሑፍ> ብለው ይላኩ
            1 > echo 100% %(x)s
            1 < 100% %(x)s
            1 > help cases
            1 < ለመመዝገብ JOIN <ስም> ብለው ይላኩ
            1 > hwllo
            1 < ይቅርታ፣ Clinic መልእክትዎን ሊረዳው አልቻለም።
            1 > lang العربية
            1 < من الآن سأكتب إليك باللغة: العربية
            1 > reg فاطمة
            1 < شكرا على تسجيلك يا فاطمة!
            1 > lang english
            1 < From now on I write to you in English.
            1 > help
            1 < Clinic understands: PING, ECHO, JOIN, LANGUAGE, CASES. For more send HELP and one of these words.
            2 > join
            2 < To register, send: JOIN <NAME>
            ",
        )
        .await;
}

#[tokio::test]
async fn a_catalogue_of_the_project_has_plurals_and_what_it_lacks_is_said_in_the_project_s_language() {
    let bench = bench();
    bench
        .transcript(
            "
            1 > join Tola
            1 < Thank you for registering, Tola!
            1 > cases 1
            1 < Tola: 1 case
            1 > cases 0
            1 < Tola: 0 cases
            1 > language om
            1 < From now on I write to you in Oromoo.
            1 > cases 0
            1 < dhukkubsataa 0 (Tola)
            1 > cases 7
            1 < dhukkubsattoota 7 (Tola)
            1 > join Tola
            1 < Galatoomi, Tola!
            2 > lang pt-br
            2 < A partir de agora escrevo-lhe em Português do Brasil.
            ",
        )
        .await;
}

#[tokio::test]
async fn who_opts_out_is_answered_in_the_language_that_they_chose() {
    let bench = bench();
    bench
        .transcript(
            "
            1 > lang am
            1 < ከአሁን ጀምሮ በአማርኛ እጽፍልዎታለሁ።
            1 > STOP
            1 < ከClinic ሌላ መልእክት አይደርስዎትም። እንደገና ለመቀበል ጀምር ብለው ይላኩ።
            2 > lang om
            2 < From now on I write to you in Oromoo.
            2 > STOP
            2 < Clinic ergaa siif hin ergu. START barreessi.
            3 > STOP
            3 < Clinic will send you no more messages. Text START to get them again.
            4 > arret
            4 < Clinic ne vous enverra plus de messages. Envoyez REPRENDRE pour en recevoir à nouveau.
            ",
        )
        .await;
}

#[tokio::test]
async fn names_and_languages_are_understood_however_they_are_typed() {
    let bench = bench();
    bench
        .transcript(
            r"
            1 > JOIN Abel.
            1 < Thank you for registering, Abel!
            1 > \u{200f}jo\u{200b}in: Abel T.
            1 < Thank you for registering, Abel T.!
            1 > ＲＥＧ；,: Zoe\u{308} ß !!
            1 < Thank you for registering, Zoe\u{308} ß!
            1 > join ?!
            1 < To register, send: JOIN <NAME>
            1 > join \u{200f}
            1 < To register, send: JOIN <NAME>
            1 > language Klingon!
            1 < I do not speak Klingon. Send LANGUAGE and one of these: አማርኛ, العربية, English, Oromoo, Português do Brasil
            1 > language Oromoo!
            1 < From now on I write to you in Oromoo.
            1 > LANG, portugue\u{302}s\u{a0}DO  brasil.
            1 < A partir de agora escrevo-lhe em Português do Brasil.
            1 > lang\u{200e} “ＰＴ＿br”
            1 < A partir de agora escrevo-lhe em Português do Brasil.
            1 > lang \u{2067}العربية\u{2069}؟
            1 < من الآن سأكتب إليك باللغة: العربية
            1 > language አማርኛ።
            1 < ከአሁን ጀምሮ በአማርኛ እጽፍልዎታለሁ።
            1 > language Ｅｎｇｌｉｓｈ
            1 < From now on I write to you in English.
            ",
        )
        .await;
    assert_eq!(bench.contact("1").await.unwrap().name(), "Zoe\u{308} ß", "the name is as it was written");
}

#[tokio::test]
async fn the_words_and_languages_of_a_project_are_understood_however_they_are_typed() {
    let settings = read("languages = { en = \"English\", tr = \"Tu\u{308}rkçe\", de = \"Deutsch (groß)\" }");
    let registration = Registration::new().register_words("KATIL|anschließen").language_words("DİL|ΓΛΏΣΣΕΣ");
    let bench = Bench::with(Router::new().app(registration))
        .settings(settings.unwrap_or_else(|faults| panic!("{faults:?}")))
        .build();
    bench
        .transcript(
            r"
            1 > katıl Ayşe
            1 < Thank you for registering, Ayşe!
            1 > Katil İpek!
            1 < Thank you for registering, İpek!
            1 > ANSCHLIESSEN Groß.
            1 < Thank you for registering, Groß!
            1 > dil türkçe
            1 < From now on I write to you in Tu\u{308}rkçe.
            1 > DIL: TÜRKC\u{327}E.
            1 < From now on I write to you in Tu\u{308}rkçe.
            1 > γλώσσες DEUTSCH (GROSS)
            1 < From now on I write to you in Deutsch (groß).
            ",
        )
        .await;
}

fn read(project: &str) -> Result<Settings, Vec<String>> {
    let text = format!("[project]\nname = \"Clinic\"\n{project}");
    let read = Settings::read(&text, &Engines::standard(), &Surroundings::local(&[]));
    read.map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn a_project_speaks_its_own_language_to_who_chose_none() {
    let settings =
        read("default_language = \"am\"\nlanguages = { am = [\"አማርኛ\", \"Amharic\"], en = \"English\" }");
    let bench = Bench::with(apps()).settings(settings.unwrap_or_else(|faults| panic!("{faults:?}"))).build();
    bench
        .transcript(
            "
            1 > join አበበ
            1 < ስለተመዘገቡ እናመሰግናለን፣ አበበ!
            1 > language English
            1 < From now on I write to you in English.
            1 > language amharic
            1 < ከአሁን ጀምሮ በአማርኛ እጽፍልዎታለሁ።
            ",
        )
        .await;
}

#[test]
fn every_fault_of_the_languages_is_named() {
    let table: [(&str, &[&str]); 4] = [
        (
            "default_language = \"fr\"\nlanguages = { en = \"English\", klingon = \"tlhIngan\", am = 1 }",
            &[
                "project.default_language: fr is not one of languages (am, en)",
                "project.languages.am: must be a list of texts in quotes, not 1",
                "project.languages.klingon: a language is a code such as en, am or pt-br, not \"klingon\"",
            ],
        ),
        (
            "languages = { am = \"አማርኛ\" }",
            &["project.default_language: is missing, and its default en is not one of languages (am)"],
        ),
        (
            "default_language = \"a\"",
            &["project.default_language: a language is a code such as en, am or pt-br, not \"a\""],
        ),
        ("languages = \"am\"", &["project.languages: must be a table, not a string"]),
    ];
    for (project, expected) in table {
        assert_eq!(read(project).err().unwrap_or_default(), expected, "{project}");
    }
}

#[test]
fn what_is_not_translated_is_found_before_anybody_is_told_it() {
    let mut about = bench().project.about().clone();
    let apps = apps().app(keyword("stock", async |_| "3").help("To ask for stock, send: STOCK <WHAT>"));
    let lines = apps.untranslated(&about);
    let expected = [
        "am: \"%(name)s: %(count)s case\" and 1 more are not translated",
        "ar: \"%(name)s: %(count)s case\" and 1 more are not translated",
    ];
    assert_eq!(lines[..2], expected);
    assert!(lines[2].starts_with("om: ") && lines[3].starts_with("pt-br: "), "{lines:?}");
    about.languages = threadless::translate::Languages::default();
    assert_eq!(
        apps.untranslated(&about),
        ["there is a catalogue for om, which is not one of project.languages"],
        "English is what it is written in"
    );
}
