use crate::place::Place;

/// A Redis server of a test's own, stopped with this value.
pub struct Redis {
    /// Dropped in this order: first the server stops, then its directory goes.
    server: mystic_services::Redis,
    _place: Place,
}

impl Redis {
    /// Starts a server.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        tokio::task::spawn_blocking(|| {
            let place = Place::new();
            let server = mystic_services::Redis::start(place.home())
                .unwrap_or_else(|error| panic!("no private Redis: {error}"));
            Self {
                server,
                _place: place,
            }
        })
        .await
        .expect("the server starts")
    }

    /// Deletes everything that the server holds.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn flush(&self) {
        let client = redis::Client::open(self.url()).expect("a URL");
        let connection = client.get_multiplexed_async_connection().await;
        let mut connection = connection.expect("the server answers");
        let flushed = redis::cmd("FLUSHALL").exec_async(&mut connection).await;
        flushed.expect("flushed");
    }

    /// URL of the server.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }
}
