from karta import Karta

# `karta serve` imports this `app` (see entry_point in karta.toml).
app = Karta()
