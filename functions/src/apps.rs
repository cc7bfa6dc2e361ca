//! The apps of this project, in order. Put yours here.

use threadless::Router;
use threadless::apps::{DefaultReply, Echo, Ping};

/// Installs the apps.
pub fn apps(router: Router) -> Router {
    router.app(Ping).app(Echo).app(DefaultReply)
}

#[cfg(test)]
mod tests {
    use threadless::testing::Bench;

    use super::*;

    #[tokio::test]
    async fn the_apps_answer_as_the_readme_says() {
        Bench::with(apps(Router::new()))
            .about("Threadless", "Sorry, %(project_name)s could not understand your message.")
            .build()
            .transcript(
                "
                1112223333 > echo hello
                1112223333 < hello
                1112223333 > ping
                1112223333 < pong
                1112223333 > hwllo
                1112223333 < Sorry, Threadless could not understand your message.
                ",
            )
            .await;
    }
}
