# ruff: noqa: RUF001  the alphabets of other languages
"""The language of a text: by its script, and for Latin and Cyrillic letters by frequent little words.

Of texts with fewer than three known little words, in languages that are not listed, or mixed, it says so (``und``).
Neighbours share words: of Norwegian it may say Danish or Swedish. Measured on this project's own sentences (the tests
hold them); docs/how-to/text-outputs.md has the figure.
"""

from collections import Counter
from collections.abc import Sequence

LOOKED_AT = 1_000
"""Characters that are looked at for the script."""
UNDETERMINED = "und"
FEWEST_HITS = 2
_SCRIPTS = (
    (0x0370, 0x03FF, "el"), (0x0400, 0x052F, "cyrillic"), (0x0590, 0x05FF, "he"), (0x0600, 0x06FF, "ar"),
    (0x0900, 0x097F, "hi"), (0x0980, 0x09FF, "bn"), (0x0B80, 0x0BFF, "ta"), (0x0E00, 0x0E7F, "th"),
    (0x3040, 0x30FF, "ja"), (0x4E00, 0x9FFF, "zh"), (0xAC00, 0xD7AF, "ko"),
)  # fmt: skip
_LITTLE = {
    "en": "the of and to in is that it for was with as on be at this have from or are by not but you they his an we",
    "de": "der die und das ist nicht den von zu mit sich auf ein eine dem für auch es im dass wird sind bei ich wir",
    "fr": "le la les et des est une dans que pour pas qui sur au avec ce il sont plus par ne se vous nous du ou je",
    "es": "el la los las y que en un una por con no para es se del al lo como más pero su le ya está muy sin hay",
    "it": "il la di che è e un una per non con sono del della nel da i gli le si come più ma anche alla questo ha",
    "pt": "o a os as de que e do da em um uma para com não por mais se na no dos como mas ao foi são você está isso",
    "nl": "de het een en van is dat op te zijn met niet voor aan er om ook als maar bij wordt deze naar je wij hij",
    "sv": "och att det som en på är av för med den till inte om ett har de jag var men så från kan vi eller ska",
    "da": "og at det er en til på af for med den ikke som de der et har jeg var men om fra vi kan skal blev også",
    "pl": "i w na się nie z do że jest to o jak ale po co za od przez tym dla był być są tylko może także oraz",
    "tr": "ve bir bu da de için ile çok ne daha gibi var ama olarak sonra kadar olan en mi değil ben sen o biz her",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam akan pada ke adalah saya anda juga bisa ada karena oleh",
    "ru": "и в не на что с я он как это по но она к у из за то его для был так мы они же вы все от",
    "uk": "і в не на що з я він як це по але вона до у із за та його для був так ми вони же ви все від й",
}  # fmt: skip
_OF_WORD: dict[str, list[str]] = {}
for _language, _words in _LITTLE.items():
    for _word in set(_words.split()):
        _OF_WORD.setdefault(_word, []).append(_language)
LANGUAGES = (*sorted({*_LITTLE, *(name for *_, name in _SCRIPTS if name != "cyrillic")}), UNDETERMINED)
_ONLY = {"ß": "de", "ñ": "es", "¿": "es", "ã": "pt", "õ": "pt", "ł": "pl", "ę": "pl", "ğ": "tr", "ı": "tr",
         "ї": "uk", "є": "uk", "ы": "ru", "э": "ru", "ø": "da", "å": "sv"}  # fmt: skip


def language(text: str, words: Sequence[str]) -> str:
    """The code of a text's language (ISO 639-1), ``und`` where it cannot be told; ``words`` are the text's."""
    script = _script(text[:LOOKED_AT])
    if script not in ("", "cyrillic"):
        return script
    hits: Counter[str] = Counter()
    for word in words:
        for code in _OF_WORD.get(word, ()):
            hits[code] += 1
    for character in set(text[:LOOKED_AT].lower()) & _ONLY.keys():
        hits[_ONLY[character]] += 1
    cyrillic = {"ru", "uk"}
    fitting = {code: count for code, count in hits.items() if (code in cyrillic) == (script == "cyrillic")}
    best = sorted(fitting.items(), key=lambda pair: (-pair[1], pair[0]))[:2]
    if not best or best[0][1] < FEWEST_HITS or (len(best) > 1 and best[0][1] == best[1][1]):
        return UNDETERMINED
    return best[0][0]


def _script(text: str) -> str:
    """The language that a script belongs to where most letters are of it; empty for Latin."""
    if text.isascii():
        return ""
    found: Counter[str] = Counter()
    letters = 0
    for character in text:
        if character.isalpha():
            letters += 1
            code = ord(character)
            found.update(name for first, last, name in _SCRIPTS if first <= code <= last)
    if found["ja"] > 0.1 * letters:
        return "ja"  # kana stand among Chinese characters
    name, count = max(found.items(), key=lambda pair: pair[1], default=("", 0))
    return name if 2 * count > letters else ""
