//! Values of a figure over many trials, in the few bytes that each needs.
//!
//! A value is kept as a number of its last decimal, counted from 1, where this gives the same value back to the bit.
//! A column with a value that is no such number keeps all of them as they are.

/// Values in the order of trials; `None` where a trial has none.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Number of last decimals in 1.
    scale: f64,
    len: usize,
    /// Bytes of each value; none where no trial has one.
    width: usize,
    bytes: Vec<u8>,
}

/// Bytes of a value as it is.
const WHOLE: usize = 8;

/// Most bytes of a number of decimals, all of which a float holds.
const MOST: usize = 6;

/// Stands for no value among values as they are; no arithmetic makes it.
const NONE: u64 = u64::MAX;

impl Packed {
    /// No values yet, of a column with so many decimals.
    pub fn of(decimals: usize) -> Packed {
        let scale = 10_u64.pow(u32::try_from(decimals).unwrap_or(u32::MAX).min(15)) as f64;
        Packed { scale, len: 0, width: 0, bytes: Vec::new() }
    }

    /// None of its values, for others of the same kind.
    pub fn empty(&self) -> Packed {
        Packed { len: 0, width: 0, bytes: Vec::new(), ..*self }
    }

    /// Number of trials.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The value of a trial.
    pub fn get(&self, place: usize) -> Option<f64> {
        assert!(place < self.len, "a trial of the column");
        let mut code = [0; WHOLE];
        code[..self.width].copy_from_slice(&self.bytes[place * self.width..][..self.width]);
        let code = u64::from_le_bytes(code);
        if self.width == WHOLE {
            return (code != NONE).then(|| f64::from_bits(code));
        }
        code.checked_sub(1).map(|number| number as f64 / self.scale)
    }

    /// Adds the value of the next trial.
    pub fn push(&mut self, value: Option<f64>) {
        let code = self.code(value);
        self.len += 1;
        self.bytes.extend_from_slice(&code.to_le_bytes()[..self.width]);
    }

    /// Replaces the value of a trial.
    #[cfg(test)]
    pub fn set(&mut self, place: usize, value: Option<f64>) {
        assert!(place < self.len, "a trial of the column");
        let code = self.code(value);
        self.bytes[place * self.width..][..self.width].copy_from_slice(&code.to_le_bytes()[..self.width]);
    }

    /// Gives back what it holds beyond its values.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// The value as it is kept, for which the column has room from then on.
    fn code(&mut self, value: Option<f64>) -> u64 {
        if self.width < WHOLE {
            let number = value.map_or(Some(0), |value| self.number(value));
            let width =
                number.map_or(WHOLE, |number| (u64::BITS - number.leading_zeros()).div_ceil(8) as usize);
            self.widen(if width > MOST { WHOLE } else { width });
            if let Some(number) = number.filter(|_| self.width < WHOLE) {
                return number;
            }
        }
        value.map_or(NONE, f64::to_bits)
    }

    /// The number, from 1, that gives exactly this value.
    fn number(&self, value: f64) -> Option<u64> {
        let number = (value * self.scale).round();
        let exact =
            value.is_sign_positive() && number < 1e15 && (number / self.scale).to_bits() == value.to_bits();
        exact.then(|| number as u64 + 1)
    }

    fn widen(&mut self, width: usize) {
        if width <= self.width {
            return;
        }
        let values: Vec<Option<f64>> = (0..self.len).map(|place| self.get(place)).collect();
        *self = Packed { width, len: 0, bytes: Vec::with_capacity(values.len() * width), ..*self };
        for value in values {
            self.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(decimals: usize, values: &[Option<f64>]) -> Packed {
        let mut packed = Packed::of(decimals);
        for value in values {
            packed.push(*value);
        }
        packed
    }

    #[test]
    fn every_value_comes_back_to_the_bit() {
        let columns: [&[Option<f64>]; 7] = [
            &[None, None],
            &[Some(0.0), None, Some(254.0), Some(255.0), Some(70_000.0)],
            &[Some(8.688), Some(9.412_345), None, Some(94_321.123_456)],
            &[Some(0.1), Some(1.0 / 3.0), None],
            &[Some(-0.0), Some(-3.5), Some(f64::INFINITY), None],
            &[Some(3.0), Some(1e300), None, Some(2.0)],
            &[Some(281_474_976.710_656), Some(1e14), None],
        ];
        for values in columns {
            for decimals in [0, 3, 6] {
                let packed = packed(decimals, values);
                assert_eq!(packed.len(), values.len());
                for (place, value) in values.iter().enumerate() {
                    let same = packed.get(place).map(f64::to_bits) == value.map(f64::to_bits);
                    assert!(same, "{:?} {decimals} {place}", packed.get(place));
                }
            }
        }
    }

    #[test]
    fn a_value_that_changes_takes_the_room_it_needs() {
        let mut packed = packed(3, &[Some(0.001), None, Some(0.25)]);
        packed.set(1, Some(12_345.678));
        packed.set(0, None);
        assert_eq!([0, 1, 2].map(|place| packed.get(place)), [None, Some(12_345.678), Some(0.25)]);
        packed.set(2, Some(1.0 / 3.0));
        assert_eq!([0, 1, 2].map(|place| packed.get(place)), [None, Some(12_345.678), Some(1.0 / 3.0)]);
    }

    #[test]
    fn figures_of_few_digits_take_few_bytes() {
        let bytes = |decimals, value: fn(u32) -> Option<f64>| {
            let mut packed = packed(decimals, &(0..1000).map(value).collect::<Vec<_>>());
            packed.shrink();
            packed.bytes()
        };
        assert_eq!(bytes(6, |_| None), 0);
        assert_eq!(bytes(0, |n| Some(f64::from(n % 200))), 1000);
        // 1 to 11 Mbit/s, by the bit.
        assert_eq!(bytes(6, |n| Some((1_000_000.0 + 10_000.0 * f64::from(n)) / 1e6)), 3000);
        assert_eq!(bytes(6, |n| Some(f64::from(n).sqrt())), 8000);
    }
}
