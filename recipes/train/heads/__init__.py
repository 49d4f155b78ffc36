"""Last layers that are solved for in place of training, and the audition of bases by folds that rests on them."""
