//! `preset`: the settings of known providers, as data. A backend can override each key.

use toml::Table;

use crate::settings::Fields;

/// The presets by name, each with its keys.
const ALL: [(&str, &str); 12] = [
    ("46elks", include_str!("presets/46elks.toml")),
    ("africas-talking", include_str!("presets/africas-talking.toml")),
    ("android-sms-gateway", include_str!("presets/android-sms-gateway.toml")),
    ("clickatell", include_str!("presets/clickatell.toml")),
    ("httpsms", include_str!("presets/httpsms.toml")),
    ("infobip", include_str!("presets/infobip.toml")),
    ("jasmin", include_str!("presets/jasmin.toml")),
    ("rapidpro", include_str!("presets/rapidpro.toml")),
    ("smssync", include_str!("presets/smssync.toml")),
    ("telerivet", include_str!("presets/telerivet.toml")),
    ("twilio", include_str!("presets/twilio.toml")),
    ("vonage", include_str!("presets/vonage.toml")),
];

/// Reads `preset`, and adds the keys of the preset that the table does not have.
pub(super) fn apply(fields: &mut Fields<'_>) {
    let Some(name) = fields.text("preset") else { return };
    let Some((_, keys)) = ALL.iter().find(|(known, _)| *known == name) else {
        let known = ALL.map(|(name, _)| name).join(", ");
        fields.fault("preset", format!("is unknown (known are {known})"));
        return;
    };
    match keys.parse::<Table>() {
        Ok(keys) => fields.add_defaults(keys),
        Err(_) => fields.fault("preset", format!("{name} cannot be read")),
    }
}

#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    ALL.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_is_short_and_has_no_unread_key() {
        for (name, keys) in ALL {
            assert!(keys.lines().count() <= 60, "{name}");
            assert!(keys.parse::<Table>().is_ok(), "{name}");
        }
    }
}
