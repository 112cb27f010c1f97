package expression

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// DynamoDB numbers have up to 38 significant digits and magnitudes from 1E-130 to
// 9.9999999999999999999999999999999999999E+125 (docs, "Naming rules and data types").
const (
	maxDigits    = 38
	maxMagnitude = 125
	minMagnitude = -130
)

// number is (-1)^negative × digits × 10^exponent. The digits have no zero at either end; zero has none.
type number struct {
	negative bool
	digits   string
	exponent int
}

var numberForm = regexp.MustCompile(`^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,6}))?$`)

func parseNumber(text string) (number, error) {
	m := numberForm.FindStringSubmatch(text)
	if m == nil || m[2]+m[3] == "" {
		return number{}, errorf("The parameter cannot be converted to a numeric value: %s", text)
	}
	exponent := 0
	if m[4] != "" {
		exponent, _ = strconv.Atoi(m[4]) // the form admits six digits
	}
	return newNumber(m[1] == "-", m[2]+m[3], exponent-len(m[3]))
}

func newNumber(negative bool, digits string, exponent int) (number, error) {
	digits = strings.TrimLeft(digits, "0")
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	if short == "" {
		return number{}, nil
	}
	n := number{negative: negative, digits: short, exponent: exponent}
	switch {
	case len(short) > maxDigits:
		return n, errorf("Attempting to store more than 38 significant digits in a Number")
	case n.magnitude() > maxMagnitude:
		return n, errorf("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case n.magnitude() < minMagnitude:
		return n, errorf("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	return n, nil
}

func (n number) magnitude() int { return len(n.digits) - 1 + n.exponent }

// String is the canonical form: plain digits, no exponent, no zero that says nothing.
func (n number) String() string {
	if n.digits == "" {
		return "0"
	}
	sign := ""
	if n.negative {
		sign = "-"
	}
	point := len(n.digits) + n.exponent
	switch {
	case n.exponent >= 0:
		return sign + n.digits + strings.Repeat("0", n.exponent)
	case point > 0:
		return sign + n.digits[:point] + "." + n.digits[point:]
	}
	return sign + "0." + strings.Repeat("0", -point) + n.digits
}

// compare orders numbers; the texts are canonical.
func compareNumbers(a, b string) int {
	if len(a) < 18 && len(b) < 18 {
		x, errX := strconv.ParseInt(a, 10, 64)
		y, errY := strconv.ParseInt(b, 10, 64)
		if errX == nil && errY == nil {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	}
	x, _ := parseNumber(a)
	y, _ := parseNumber(b)
	return x.sub(y).Sign()
}

func (n number) scaled(exponent int) *big.Int {
	v := new(big.Int)
	if n.digits == "" {
		return v
	}
	v.SetString(n.digits, 10)
	v.Mul(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.exponent-exponent)), nil))
	if n.negative {
		v.Neg(v)
	}
	return v
}

func (n number) sub(o number) *big.Int {
	low := min(n.exponent, o.exponent)
	return new(big.Int).Sub(n.scaled(low), o.scaled(low))
}

// addNumbers is a + b, or a - b, of canonical texts.
func addNumbers(a, b string, minus bool) (Value, error) {
	x, _ := parseNumber(a)
	y, _ := parseNumber(b)
	if !minus {
		y.negative = !y.negative
	}
	sum := x.sub(y)
	n, err := newNumber(sum.Sign() < 0, new(big.Int).Abs(sum).String(), min(x.exponent, y.exponent))
	return Value{Kind: Number, Text: n.String()}, err
}
