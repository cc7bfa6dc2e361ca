//! The bundled translations: of the texts of the bundled apps.

use std::sync::OnceLock;

use super::catalogue::Catalogue;
use crate::model::language::Language;

/// A catalogue that is read when its language is first used.
struct Bundled {
    language: &'static str,
    text: &'static str,
    read: OnceLock<Catalogue>,
}

const fn bundled(language: &'static str, text: &'static str) -> Bundled {
    Bundled { language, text, read: OnceLock::new() }
}

static BUNDLED: [Bundled; 6] = [
    bundled("am", include_str!("bundled/am.po")),
    bundled("ar", include_str!("bundled/ar.po")),
    bundled("es", include_str!("bundled/es.po")),
    bundled("fr", include_str!("bundled/fr.po")),
    bundled("pt", include_str!("bundled/pt.po")),
    bundled("sw", include_str!("bundled/sw.po")),
];

/// Returns the bundled translations into this language.
pub(super) fn of(language: &Language) -> Option<&'static Catalogue> {
    let bundled = BUNDLED.iter().find(|bundled| bundled.language == language.as_str())?;
    Some(bundled.read.get_or_init(|| Catalogue::read(bundled.text).0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_bundled_catalogue_has_every_text() {
        let texts = |bundled: &Bundled| -> BTreeSet<String> {
            let (catalogue, faults) = Catalogue::read(bundled.text);
            assert_eq!(faults, [], "{}", bundled.language);
            let untranslated = catalogue.texts().find(|text| !catalogue.has(text));
            assert_eq!(untranslated, None, "{}", bundled.language);
            catalogue.texts().map(str::to_owned).collect()
        };
        let first = texts(&BUNDLED[0]);
        for bundled in &BUNDLED {
            assert_eq!(texts(bundled), first, "{}", bundled.language);
        }
        // Every text of the bundled apps is in the catalogues.
        for text in crate::apps::TEXTS {
            assert!(first.contains(text), "{text}");
        }
        assert_eq!(first.len(), crate::apps::TEXTS.len());
    }
}
