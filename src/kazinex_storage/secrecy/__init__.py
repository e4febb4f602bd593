"""How secrets stay where they are: masked text, and objects that refuse to be pickled."""
