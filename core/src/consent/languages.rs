//! The words with which people opt out and in again, and the confirmations.

/// One language: code, words for stop, words for start, confirmation of stop, confirmation of start.
pub(super) type Bundled =
    (&'static str, &'static [&'static str], &'static [&'static str], &'static str, &'static str);

/// The bundled languages. If several languages have a word, the first one in this list answers.
pub(super) const BUNDLED: [Bundled; 7] = [
    (
        "en",
        &["stop", "stop all", "stopall", "unsubscribe", "opt out", "optout", "opt-out", "revoke"],
        &["start", "unstop", "subscribe", "opt in", "optin", "opt-in"],
        "%(project_name)s will send you no more messages. Text START to get them again.",
        "%(project_name)s will send you messages again. Text STOP to end them.",
    ),
    (
        "fr",
        &["arret", "arrêt", "arreter", "arrêter", "desabonner", "désabonner", "desinscrire", "désinscrire"],
        &["reprendre", "abonner", "reabonner", "réabonner"],
        "%(project_name)s ne vous enverra plus de messages. Envoyez REPRENDRE pour en recevoir à nouveau.",
        "%(project_name)s vous enverra de nouveau des messages. Envoyez ARRET pour ne plus en recevoir.",
    ),
    (
        "es",
        &["alto", "parar", "baja", "cancelar suscripcion", "cancelar suscripción"],
        &["alta", "reanudar", "suscribir"],
        "%(project_name)s no le enviará más mensajes. Envíe ALTA para volver a recibirlos.",
        "%(project_name)s le enviará mensajes de nuevo. Envíe BAJA para no recibirlos más.",
    ),
    (
        "pt",
        &["pare", "sair", "cancelar assinatura"],
        &["voltar", "assinar"],
        "%(project_name)s não enviará mais mensagens. Envie VOLTAR para as receber de novo.",
        "%(project_name)s enviará mensagens de novo. Envie SAIR para não as receber mais.",
    ),
    (
        "sw",
        &["acha", "simamisha", "komesha", "jiondoe"],
        &["anza", "endelea", "jiunge"],
        "%(project_name)s haitakutumia ujumbe tena. Tuma ANZA ili kupokea tena.",
        "%(project_name)s itakutumia ujumbe tena. Tuma ACHA ili kusitisha.",
    ),
    (
        "am",
        &["አቁም", "አቁሚ", "ይቁም"],
        &["ጀምር", "ጀምሪ", "ይጀምር"],
        "ከ%(project_name)s ሌላ መልእክት አይደርስዎትም። እንደገና ለመቀበል ጀምር ብለው ይላኩ።",
        "ከ%(project_name)s መልእክት እንደገና ይደርስዎታል። ለማቆም አቁም ብለው ይላኩ።",
    ),
    (
        "ar",
        &["توقف", "ايقاف", "إيقاف", "قف", "الغاء الاشتراك", "إلغاء الاشتراك"],
        &["ابدأ", "ابدا", "اشتراك"],
        "لن ترسل إليك %(project_name)s رسائل بعد الآن. أرسل ابدأ لتلقيها من جديد.",
        "سترسل إليك %(project_name)s الرسائل من جديد. أرسل توقف لإيقافها.",
    ),
];
