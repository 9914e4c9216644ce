//! Two macros for numbers with names, so that every value is representable and unknown ones survive.

/// A newtype over an integer with named constants; unknown values print as hex.
macro_rules! codes {
    ($(#[$meta:meta])* $vis:vis struct $name:ident($int:ty) { $( $(#[$vmeta:meta])* $konst:ident = $value:expr, $text:expr; )* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        $vis struct $name(pub $int);
        impl $name {
            $( #[doc = concat!("`", $text, "`")] $(#[$vmeta])* pub const $konst: Self = Self($value); )*
            /// Every named value with its name.
            pub const NAMED: &'static [(Self, &'static str)] = &[ $( (Self::$konst, $text) ),* ];
            /// The name of the value, if it has one.
            pub fn name(self) -> Option<&'static str> {
                Self::NAMED.iter().find(|(value, _)| *value == self).map(|(_, name)| *name)
            }
        }
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "({:#x})"), self.0),
                }
            }
        }
    };
}

/// A newtype over a bit mask with named bits; unknown bits are kept and listed as hex.
macro_rules! flags {
    ($(#[$meta:meta])* $vis:vis struct $name:ident($int:ty) { $( $(#[$vmeta:meta])* $konst:ident = $value:expr, $text:expr; )* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        $vis struct $name(pub $int);
        impl $name {
            $( #[doc = concat!("`", $text, "`")] $(#[$vmeta])* pub const $konst: Self = Self($value); )*
            /// Every named bit with its name, lowest first as declared.
            pub const NAMED: &'static [(Self, &'static str)] = &[ $( (Self::$konst, $text) ),* ];
            /// No bit set.
            pub const NONE: Self = Self(0);
            /// Whether every bit of `other` is set.
            pub const fn contains(self, other: Self) -> bool { self.0 & other.0 == other.0 }
            /// Whether any bit of `other` is set.
            pub const fn intersects(self, other: Self) -> bool { self.0 & other.0 != 0 }
            /// Whether no bit is set.
            pub const fn is_empty(self) -> bool { self.0 == 0 }
            /// The names of the set bits; bits without a name come last as one hex number.
            pub fn names(self) -> Vec<String> {
                let mut rest = self.0;
                let mut names: Vec<String> = Vec::new();
                for (bit, name) in Self::NAMED {
                    if bit.0 != 0 && rest & bit.0 == bit.0 {
                        rest &= !bit.0;
                        names.push((*name).to_owned());
                    }
                }
                if rest != 0 { names.push(format!("{rest:#X}")); }
                names
            }
        }
        impl ::std::ops::BitOr for $name { type Output = Self; fn bitor(self, other: Self) -> Self { Self(self.0 | other.0) } }
        impl ::std::ops::BitOrAssign for $name { fn bitor_assign(&mut self, other: Self) { self.0 |= other.0; } }
        impl ::std::ops::BitAnd for $name { type Output = Self; fn bitand(self, other: Self) -> Self { Self(self.0 & other.0) } }
        impl ::std::ops::Not for $name { type Output = Self; fn not(self) -> Self { Self(!self.0) } }
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.names().join("|"))
            }
        }
    };
}
