"""Photos: declared first, uploaded straight to the object store, stored when the register has seen the right bytes there."""
