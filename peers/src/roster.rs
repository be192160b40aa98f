//! Which proxies are registered, as the metadata service last said. With the service down the last list
//! goes on being used, and whoever uses it learns that it is old.

use crate::peers::Listing;
use meta_client::ProxyView;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A list this old lets callers in: one that was fenced meanwhile is refused this much later at most.
const AGE_MAX: Duration = Duration::from_secs(1);
/// After a failure the service is left alone for so long.
const FAILED_PAUSE: Duration = Duration::from_secs(1);
/// Pause between two lists that are read because somebody unknown has connected.
const UNKNOWN_PAUSE: Duration = Duration::from_millis(100);

/// The registered proxies.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// The proxies.
    pub(crate) proxies: Arc<Vec<ProxyView>>,
    /// Why the list may be old; `None` if it is as asked for.
    pub(crate) stale: Option<String>,
}

#[derive(Default)]
struct Known {
    proxies: Arc<Vec<ProxyView>>,
    /// When the request was sent that gave the list.
    at: Option<Instant>,
    failed: Option<(Instant, String)>,
}

/// The list, read when somebody needs a newer one.
pub(crate) struct Roster {
    listing: Listing,
    /// How long a read may take.
    time: Duration,
    known: Mutex<Known>,
    /// One read at a time; who waits finds its result.
    reading: tokio::sync::Mutex<()>,
}

impl Roster {
    pub(crate) fn new(listing: Listing, time: Duration) -> Self {
        Self {
            listing,
            time,
            known: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The list as it is now.
    pub(crate) async fn now(&self) -> Listed {
        self.as_of(Instant::now()).await
    }

    /// A list that is not much older, in which a caller is looked up.
    pub(crate) async fn recent(&self) -> Listed {
        let now = Instant::now();
        self.as_of(now.checked_sub(AGE_MAX).unwrap_or(now)).await
    }

    /// The list as it is now, for somebody who is not in the last one. Strangers cannot make the proxy ask
    /// the service more than a few times a second.
    pub(crate) async fn for_unknown(&self) -> Listed {
        let asked = Instant::now();
        let last = self.known().at;
        if let Some(last) = last {
            tokio::time::sleep_until(last + UNKNOWN_PAUSE).await;
        }
        self.as_of(asked).await
    }

    /// A list that was asked for at `since` or later, or the last one if the service does not answer.
    async fn as_of(&self, since: Instant) -> Listed {
        if let Some(listed) = self.at_hand(since) {
            return listed;
        }
        let _one_at_a_time = self.reading.lock().await;
        if let Some(listed) = self.at_hand(since) {
            return listed;
        }
        let sent = Instant::now();
        let read = tokio::time::timeout(self.time, (self.listing)()).await;
        let mut known = self.known();
        match read {
            Ok(Ok(proxies)) => {
                *known = Known {
                    proxies: Arc::new(proxies),
                    at: Some(sent),
                    failed: None,
                };
            }
            Ok(Err(e)) => known.failed = Some((Instant::now(), e.to_string())),
            Err(_) => {
                let why = format!("no answer within {} ms", self.time.as_millis());
                known.failed = Some((Instant::now(), why));
            }
        }
        known.listed(since)
    }

    /// What is known, if it is new enough or asking again would be too early.
    fn at_hand(&self, since: Instant) -> Option<Listed> {
        let known = self.known();
        let is_new = known.at.is_some_and(|at| at >= since);
        let failed = known.failed.as_ref().map(|(at, _)| *at);
        let too_early = failed.is_some_and(|at| at.elapsed() < FAILED_PAUSE);
        (is_new || too_early).then(|| known.listed(since))
    }
}

impl Known {
    fn listed(&self, since: Instant) -> Listed {
        let is_new = self.at.is_some_and(|at| at >= since);
        let why = self.failed.as_ref().map(|(_, why)| why.as_str());
        let age = match self.at {
            Some(at) => format!("the list of proxies is {} s old", at.elapsed().as_secs()),
            None => "no list of proxies is known".to_string(),
        };
        let stale = (!is_new).then(|| {
            format!(
                "the metadata service cannot be asked which proxies there are ({}); {age}",
                why.unwrap_or("no reason known")
            )
        });
        Listed {
            proxies: self.proxies.clone(),
            stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meta_client::MetaError;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    fn proxy(incarnation: u64) -> ProxyView {
        ProxyView {
            incarnation,
            name: "p".into(),
            address: "a".into(),
            version: "1".into(),
            since_ms: 0,
            epoch: None,
            silent_ms: None,
            draining: false,
            peer: None,
            number: 0,
        }
    }

    struct Service {
        asked: Arc<AtomicU64>,
        down: Arc<AtomicBool>,
        roster: Roster,
    }

    /// The n-th answer lists incarnation n, after a while.
    fn service() -> Service {
        let (asked, down) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (count, is_down) = (asked.clone(), down.clone());
        let listing: Listing = Arc::new(move || {
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            let is_down = is_down.load(Ordering::SeqCst);
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                match is_down {
                    true => Err(MetaError::Unavailable("down".into())),
                    false => Ok(vec![proxy(n)]),
                }
            })
        });
        let roster = Roster::new(listing, Duration::from_millis(500));
        Service {
            asked,
            down,
            roster,
        }
    }

    fn first(l: &Listed) -> u64 {
        l.proxies.first().map_or(0, |p| p.incarnation)
    }

    #[tokio::test(start_paused = true)]
    async fn a_recent_list_serves_callers_and_a_new_one_is_read_for_those_who_ask_for_now() {
        let s = service();
        assert_eq!(first(&s.roster.now().await), 1);
        assert_eq!(first(&s.roster.recent().await), 1);
        assert_eq!(first(&s.roster.now().await), 2);
        tokio::time::sleep(AGE_MAX * 2).await;
        assert_eq!(first(&s.roster.recent().await), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_share_a_read_and_a_pause() {
        let s = service();
        s.roster.now().await;
        let start = Instant::now();
        for _ in 0..5 {
            let ask = || s.roster.for_unknown();
            tokio::join!(ask(), ask(), ask(), ask());
        }
        let reads = s.asked.load(Ordering::SeqCst) as u32;
        assert_eq!(reads, 1 + 5);
        assert!(start.elapsed() >= UNKNOWN_PAUSE * (reads - 1), "{reads}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_service_the_last_list_is_used_and_said_to_be_old() {
        let s = service();
        assert_eq!(s.roster.now().await.stale, None);
        s.down.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(7)).await;
        let old = s.roster.now().await;
        let why = old.stale.as_deref().unwrap_or_default();
        assert!(why.contains("down") && why.contains("7 s old"), "{why}");
        assert_eq!(first(&old), 1);
        // It is left alone for a while, then asked again.
        let asked = s.asked.load(Ordering::SeqCst);
        assert!(s.roster.now().await.stale.is_some());
        assert_eq!(s.asked.load(Ordering::SeqCst), asked);
        s.down.store(false, Ordering::SeqCst);
        tokio::time::sleep(FAILED_PAUSE).await;
        assert_eq!(s.roster.now().await.stale, None);
    }
}
