//! What stands still and since when, by the watcher's own reads and its own clock.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Watches things that lie in places; each place is looked at by itself. `Name` tells a thing from the others of its
/// place, `Stamp` changes when it does.
#[derive(Debug)]
pub(super) struct Watch<Name, Stamp> {
    still: Duration,
    limit: usize,
    places: BTreeMap<String, Seen<Name, Stamp>>,
}

type Seen<Name, Stamp> = HashMap<Name, (Stamp, Instant)>;

/// What a look at a place shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Looked<Name> {
    /// What stood still for long enough.
    pub(super) due: Vec<Name>,
    /// What is watched from now on.
    pub(super) new: Vec<Name>,
}

impl<Name: Clone + Eq + Hash, Stamp: PartialEq> Watch<Name, Stamp> {
    /// Watches at most `limit` things at a time, each until it stood still for `still`.
    pub(super) fn new(still: Duration, limit: usize) -> Self {
        Self {
            still,
            limit,
            places: BTreeMap::new(),
        }
    }

    /// Takes note of all that a place holds, read after `asked` and before `answered`. What changed begins anew, what
    /// is gone is forgotten, and what there is no room for has to wait until others are gone.
    pub(super) fn look(
        &mut self,
        place: &str,
        found: Vec<(Name, Stamp)>,
        asked: Instant,
        answered: Instant,
    ) -> Looked<Name> {
        let watched: usize = self.places.values().map(HashMap::len).sum();
        let mut room = self.limit.saturating_sub(watched);
        let mut before = self.places.remove(place).unwrap_or_default();
        let mut seen = HashMap::new();
        let (mut due, mut new) = (Vec::new(), Vec::new());
        for (name, stamp) in found {
            match before.remove(&name) {
                Some((was, since)) if was == stamp => {
                    if asked.saturating_duration_since(since) >= self.still {
                        due.push(name.clone());
                    }
                    seen.insert(name, (stamp, since));
                }
                Some(_) => {
                    seen.insert(name, (stamp, answered));
                }
                None if room > 0 => {
                    room -= 1;
                    new.push(name.clone());
                    seen.insert(name, (stamp, answered));
                }
                None => {}
            }
        }
        if !seen.is_empty() {
            self.places.insert(place.to_owned(), seen);
        }
        Looked { due, new }
    }

    /// Forgets places that are gone.
    pub(super) fn keep(&mut self, places: impl Fn(&str) -> bool) {
        self.places.retain(|place, _| places(place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const MINUTE: Duration = Duration::from_mins(1);

    struct Looks {
        watch: Watch<&'static str, u64>,
        now: Instant,
    }

    impl Looks {
        fn new(limit: usize) -> Self {
            Self {
                watch: Watch::new(HOUR, limit),
                now: Instant::now(),
            }
        }

        /// A look that takes a minute, so long after the last one's end.
        fn after(
            &mut self,
            pause: Duration,
            found: &[(&'static str, u64)],
        ) -> Looked<&'static str> {
            let asked = self.now + pause;
            self.now = asked + MINUTE;
            self.watch.look("a place", found.to_vec(), asked, self.now)
        }

        fn due(&mut self, pause: Duration, found: &[(&'static str, u64)]) -> Vec<&'static str> {
            self.after(pause, found).due
        }
    }

    #[test]
    fn what_stands_still_is_due_after_its_time_and_not_before() {
        let mut looks = Looks::new(9);
        let first = looks.after(MINUTE, &[("one", 1)]);
        assert_eq!((first.due, first.new), (vec![], vec!["one"]));
        assert_eq!(looks.due(MINUTE * 59, &[("one", 1)]), [""; 0]);
        assert_eq!(looks.due(MINUTE, &[("one", 1)]), ["one"]);
        let again = looks.after(MINUTE, &[("one", 1)]);
        assert_eq!(
            (again.due, again.new),
            (vec!["one"], vec![]),
            "until it is gone"
        );
    }

    #[test]
    fn what_is_seen_for_the_first_time_is_not_due_whatever_the_time() {
        let mut watch = Watch::new(Duration::ZERO, 9);
        let now = Instant::now();
        assert_eq!(
            watch.look("a place", vec![("one", 1)], now, now).due,
            [""; 0]
        );
        assert_eq!(
            watch.look("a place", vec![("one", 1)], now, now).due,
            ["one"]
        );
    }

    #[test]
    fn what_grows_is_never_due() {
        let mut looks = Looks::new(9);
        for bytes in 0..9 {
            assert_eq!(looks.due(HOUR * 2, &[("one", bytes)]), [""; 0]);
        }
    }

    #[test]
    fn what_was_gone_in_between_begins_anew() {
        let mut looks = Looks::new(9);
        looks.after(MINUTE, &[("one", 1)]);
        looks.after(HOUR, &[]);
        assert_eq!(looks.due(HOUR, &[("one", 1)]), [""; 0]);
        looks.watch.keep(|_| false);
        assert_eq!(
            looks.due(HOUR, &[("one", 1)]),
            [""; 0],
            "its place was gone"
        );
        assert_eq!(looks.due(HOUR, &[("one", 1)]), ["one"]);
    }

    #[test]
    fn no_more_is_watched_than_there_is_room_for() {
        let mut looks = Looks::new(2);
        let all = [("one", 1), ("two", 1), ("three", 1)];
        assert_eq!(looks.after(MINUTE, &all).new, ["one", "two"]);
        assert_eq!(looks.due(HOUR, &all), ["one", "two"]);
        assert_eq!(
            looks.after(MINUTE, &all[2..]).new,
            [""; 0],
            "the others were there until now"
        );
        assert_eq!(looks.after(MINUTE, &all[2..]).new, ["three"]);
    }
}
