//! The apps of this project, in order. Put yours here.

use threadless::Router;
use threadless::apps::{DefaultReply, Echo, Ping};

/// Installs the apps.
pub fn apps(router: Router) -> Router {
    router.add(Ping).add(Echo).add(DefaultReply)
}
