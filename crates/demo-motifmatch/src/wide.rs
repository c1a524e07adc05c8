//! Loops compiled for the instructions that the machine has.
//!
//! A plain x86-64 build may use vectors of two doubles only. `wide!` compiles a function once for each
//! instruction set `pulp` knows and picks at run time. The compiler vectorises as it sees fit but neither fuses
//! nor reorders floating-point operations, so every choice gives the same bits.

/// Defines a function whose body is compiled for each instruction set.
macro_rules! wide {
    ($(#[$attribute:meta])* fn $name:ident<$life:lifetime>($($argument:ident: $type:ty),* $(,)?) -> $output:ty $body:block) => {
        $(#[$attribute])*
        fn $name<$life>($($argument: $type),*) -> $output {
            struct Work<$life> {
                $($argument: $type),*
            }
            impl<$life> pulp::WithSimd for Work<$life> {
                type Output = $output;

                // Only what is inlined into the dispatch is compiled for its instruction set.
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> $output {
                    let Self { $($argument),* } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Work { $($argument),* })
        }
    };
}

pub(crate) use wide;
