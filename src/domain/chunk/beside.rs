//! What stands beside the figures of the deals of a chunk. A look back shares it with the chunk it looks
//! back from, and holds only that of the deals which stood otherwise then.

use std::sync::Arc;

use crate::domain::by_close::merged;
use crate::domain::deal::{Attribute, Detail, Stay};

/// What stands beside the figures of some deals: their details, stays and attributes.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    /// What only answers about single deals show, deal by deal; `None` when the deal lies after the cut.
    pub(super) details: Vec<Option<Detail>>,
    /// By place.
    pub(super) stays: Vec<Stay>,
    /// By place.
    pub(super) attributes: Vec<Attribute>,
}

/// What stands beside the figures of all deals of a chunk.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    /// Of every deal, by place.
    shared: Arc<Beside>,
    /// Of those that stand otherwise than there.
    own: Option<Box<Layer>>,
}

/// What stands beside the figures of the deals in some places.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    /// The places, in order.
    pub(super) places: Vec<u16>,
    /// What stands beside each.
    pub(super) beside: Beside,
}

impl Layers {
    /// The rest of a deal.
    pub(super) fn detail(&self, place: u16) -> Option<&Detail> {
        let own = self.own.as_ref().and_then(|own| own.detail(place));
        own.or_else(|| self.shared.details.get(usize::from(place)))?
            .as_ref()
    }

    /// The finished stays of all deals; each deal's stand together, in order.
    pub(super) fn stays(&self) -> impl Iterator<Item = &Stay> {
        self.both(|beside| &beside.stays, |stay| stay.place)
    }

    /// The custom attributes of all deals; each deal's stand together.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.both(|beside| &beside.attributes, |known| known.place)
    }

    /// The custom attributes of one deal.
    pub(super) fn attributes_of(&self, place: u16) -> impl Iterator<Item = &Attribute> {
        let own = self.own.as_ref().filter(|own| own.has(place));
        let attributes = own.map_or(&self.shared.attributes, |own| &own.beside.attributes);
        let start = attributes.partition_point(|known| known.place < place);
        let found = attributes.get(start..).unwrap_or_default().iter();
        found.take_while(move |known| known.place == place)
    }

    /// These with what stands beside some deals otherwise, sharing the rest.
    pub(super) fn with(&self, mut layer: Layer) -> Layers {
        if let Some(own) = &self.own {
            layer = own.under(layer);
        }
        Layers {
            shared: Arc::clone(&self.shared),
            own: (!layer.places.is_empty()).then(|| Box::new(layer)),
        }
    }

    /// The same in one, shared with nothing, of so many deals.
    pub(super) fn flat(self, deals: usize) -> Layers {
        let Some(own) = self.own else {
            return self;
        };
        let Layer { places, beside } = *own;
        let flat = if places.len() == deals {
            beside
        } else {
            let mut details = self.shared.details.clone();
            details.resize(deals, None);
            for (place, detail) in places.iter().zip(beside.details) {
                if let Some(of_place) = details.get_mut(usize::from(*place)) {
                    *of_place = detail;
                }
            }
            Beside {
                details,
                ..self
                    .shared
                    .overlaid(&places, beside.stays, beside.attributes)
            }
        };
        Layers {
            shared: Arc::new(flat),
            own: None,
        }
    }

    fn both<'a, T: 'a>(
        &'a self,
        list: impl Fn(&'a Beside) -> &'a Vec<T>,
        place: impl Fn(&T) -> u16 + 'a,
    ) -> impl Iterator<Item = &'a T> {
        let mut is_own = Vec::new();
        if let Some(own) = &self.own {
            is_own.resize(super::SIZE as usize, false);
            for place in &own.places {
                if let Some(is_own) = is_own.get_mut(usize::from(*place)) {
                    *is_own = true;
                }
            }
        }
        let is_shared = move |item: &&T| {
            !is_own
                .get(usize::from(place(item)))
                .copied()
                .unwrap_or(false)
        };
        let own = self.own.as_deref().map(|own| list(&own.beside).iter());
        let shared = list(&self.shared).iter().filter(is_shared);
        shared.chain(own.into_iter().flatten())
    }
}

impl Layer {
    /// An empty one with room for so many deals.
    pub(super) fn with_room(deals: usize) -> Layer {
        Layer {
            places: Vec::with_capacity(deals),
            beside: Beside {
                details: Vec::with_capacity(deals),
                // Most deals have come through a stage or two.
                stays: Vec::with_capacity(2 * deals),
                attributes: Vec::new(),
            },
        }
    }

    fn has(&self, place: u16) -> bool {
        self.places.binary_search(&place).is_ok()
    }

    fn detail(&self, place: u16) -> Option<&Option<Detail>> {
        let found = self.places.binary_search(&place).ok()?;
        self.beside.details.get(found)
    }

    /// Another layer above this one.
    fn under(&self, above: Layer) -> Layer {
        let Layer { places, beside } = above;
        let below = self.places.iter().zip(&self.beside.details);
        let below = below.filter(|(place, _)| places.binary_search(place).is_err());
        let mut all: Vec<(u16, Option<Detail>)> =
            below.map(|(place, detail)| (*place, *detail)).collect();
        all.extend(places.iter().copied().zip(beside.details));
        all.sort_by_key(|(place, _)| *place);
        let rest = self
            .beside
            .overlaid(&places, beside.stays, beside.attributes);
        let (places, details) = all.into_iter().unzip();
        Layer {
            places,
            beside: Beside { details, ..rest },
        }
    }
}

impl Beside {
    /// Its stays and attributes, with others in place of those of some places.
    fn overlaid(&self, places: &[u16], stays: Vec<Stay>, attributes: Vec<Attribute>) -> Beside {
        let is_kept = |place: u16| places.binary_search(&place).is_err();
        Beside {
            details: Vec::new(),
            stays: merged(
                &self.stays,
                |stay| is_kept(stay.place),
                stays,
                |stay| stay.place,
            ),
            attributes: merged(
                &self.attributes,
                |known| is_kept(known.place),
                attributes,
                |known| known.place,
            ),
        }
    }
}
