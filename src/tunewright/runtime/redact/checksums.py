"""Check digits of cards, bank accounts and national identifiers, each by its published rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

Check = Callable[[str], bool]
"""True where the check digits of the identifier, without separators, hold."""

_VERHOEFF_D = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_VERHOEFF_P = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17),
            *(19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        ),
        strict=True,
    )
)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: cards, Canadian SIN, Swedish personnummer."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mod97(text: str) -> bool:
    """ISO 7064 MOD 97-10 as ISO 13616 uses it for IBANs: the first four characters go to the end."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def verhoeff(digits: str) -> bool:
    """Verhoeff's dihedral check digit (1969): Indian Aadhaar."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_VERHOEFF_D[state][int(_VERHOEFF_P[place % 8][int(digit)])])
    return state == 0


def weighted(digits: str, weights: Sequence[int], modulus: int) -> int:
    """Sum of the digits times their weights, modulo."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % modulus


def us_ssn(digits: str) -> bool:
    """Ranges that the Social Security Administration gives out (no check digit)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def es_dni(text: str) -> bool:
    """Spanish DNI and NIE: letter by the number modulo 23."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI[int(number) % 23] == text[-1]


def it_codice(text: str) -> bool:
    """Italian codice fiscale, DM 23/12/1976: odd places by table, even places by value, modulo 26."""
    total = sum(_ODD[char] for char in text[:-1:2])
    total += sum(int(char) if char.isdigit() else ord(char) - 65 for char in text[1:-1:2])
    return chr(65 + total % 26) == text[-1]


def fr_nir(digits: str) -> bool:
    """French NIR: 97 minus the number modulo 97."""
    return (
        digits[0] in "12" and "01" <= digits[3:5] <= "12" and 97 - int(digits[:13]) % 97 == int(digits[13:])
    )


def de_steuer(digits: str) -> bool:
    """German tax number (IdNr): ISO 7064 MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return digits[0] != "0" and (11 - product) % 10 == int(digits[-1])


def nl_bsn(digits: str) -> bool:
    """Dutch BSN: the elfproef."""
    return int(digits) > 0 and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) == 0


def be_rrn(digits: str) -> bool:
    """Belgian national register number: 97 minus the number modulo 97; a 2 in front from 2000 on."""
    left, check = digits[:9], int(digits[9:])
    return _month_day(digits[2:4], digits[4:6]) and check in (97 - int(left) % 97, 97 - int("2" + left) % 97)


def pl_pesel(digits: str) -> bool:
    """Polish PESEL; the century stands in the month."""
    month = f"{int(digits[2:4]) % 20:02d}"
    return _month_day(month, digits[4:6]) and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10) == 0


def br_cpf(digits: str) -> bool:
    """Brazilian CPF: two check digits modulo 11."""
    if len(set(digits)) == 1:
        return False
    return all(
        (weighted(digits, range(size + 1, 1, -1), 11 * 10**6) * 10 % 11) % 10 == int(digits[size])
        for size in (9, 10)
    )


def uk_nhs(digits: str) -> bool:
    """British NHS number: modulo 11."""
    return int(digits) > 0 and (11 - weighted(digits, range(10, 1, -1), 11)) % 11 == int(digits[9])


def no_fnr(digits: str) -> bool:
    """Norwegian fødselsnummer: two check digits modulo 11."""
    first = (11 - weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2), 11)) % 11
    second = (11 - weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), 11)) % 11
    return _month_day(digits[2:4], digits[:2]) and digits[9:] == f"{first}{second}"


def fi_hetu(text: str) -> bool:
    """Finnish henkilötunnus: the number modulo 31 gives the last character."""
    return _month_day(text[2:4], text[:2]) and _HETU[int(text[:6] + text[7:10]) % 31] == text[-1]


def se_pnr(digits: str) -> bool:
    """Swedish personnummer: Luhn over the ten digits."""
    ten = digits[-10:]
    return _month_day(ten[2:4], ten[4:6]) and luhn(ten)


def ch_ahv(digits: str) -> bool:
    """Swiss AHV number: EAN-13 that begins with 756."""
    return digits[:3] == "756" and weighted(digits, (1, 3) * 6 + (1,), 10) == 0


def ca_sin(digits: str) -> bool:
    """Canadian SIN: Luhn; none begins with 0 or 8."""
    return digits[0] not in "08" and luhn(digits)


def au_tfn(digits: str) -> bool:
    """Australian tax file number: modulo 11."""
    return int(digits) > 0 and weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10), 11) == 0


def cn_id(text: str) -> bool:
    """Chinese resident identity number: ISO 7064 MOD 11-2."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(text[:17]))
    return _month_day(text[10:12], text[12:14]) and "10X98765432"[total % 11] == text[17]


def in_aadhaar(digits: str) -> bool:
    """Indian Aadhaar: Verhoeff; none begins with 0 or 1."""
    return digits[0] not in "01" and verhoeff(digits)


def pt_nif(digits: str) -> bool:
    """Portuguese NIF: modulo 11."""
    rest = weighted(digits, range(9, 1, -1), 11)
    return digits[0] in "1235689" and (0 if rest < 2 else 11 - rest) == int(digits[8])


def tr_kimlik(digits: str) -> bool:
    """Turkish identity number: tenth and eleventh digit by the sums of the odd and even places."""
    numbers = [int(digit) for digit in digits]
    tenth = (sum(numbers[0:9:2]) * 7 - sum(numbers[1:8:2])) % 10
    return numbers[0] > 0 and numbers[9] == tenth and numbers[10] == sum(numbers[:10]) % 10


def ro_cnp(digits: str) -> bool:
    """Romanian CNP: modulo 11, ten counts as one."""
    rest = weighted(digits, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9), 11)
    return _month_day(digits[3:5], digits[5:7]) and (1 if rest == 10 else rest) == int(digits[12])


def za_id(digits: str) -> bool:
    """South African identity number: a date of birth and Luhn."""
    return _month_day(digits[2:4], digits[4:6]) and digits[10] in "012" and luhn(digits)


def iban_length(text: str) -> bool:
    """An IBAN has the length that its country prescribes (ISO 13616 registry)."""
    return IBAN_LENGTHS.get(text[:2]) == len(text)


IBAN_LENGTHS = {
    **{"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29},
    **{"BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29},
    **{"ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28},
    **{"HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20},
    **{"LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19},
    **{"MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29},
    **{"RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28},
    **{"TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "LY": 25, "SD": 18, "BI": 27},
}


def iban(text: str) -> bool:
    """Length of its country and MOD 97-10."""
    return iban_length(text) and mod97(text)


def _month_day(month: str, day: str) -> bool:
    """A day that exists in a leap year; coordination numbers of the north add 60 or 40 to the day."""
    number = int(day)
    number -= 60 if number > 60 else 40 if number > 40 else 0
    try:
        dt.date(2000, int(month), number)
    except ValueError:
        return False
    return True


NATIONAL: dict[int, tuple[Check, ...]] = {
    9: (us_ssn, nl_bsn, ca_sin, au_tfn, pt_nif),
    10: (uk_nhs, se_pnr),
    11: (be_rrn, pl_pesel, br_cpf, no_fnr, tr_kimlik, de_steuer),
    12: (in_aadhaar, se_pnr),
    13: (ch_ahv, ro_cnp, za_id),
    15: (fr_nir,),
}
"""Identifiers that are digits alone, by their number of digits."""
