namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>Inflates a message bit by bit as RFC 1951 describes it, with no regard to speed: the judge of the
/// one that is not naive.</summary>
internal sealed class NaiveInflater
{
    private static readonly int[] LengthBase =
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static readonly int[] LengthExtra =
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static readonly int[] DistanceBase =
    [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145, 8193, 12289, 16385, 24577,
    ];

    private static readonly int[] DistanceExtra =
        [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    private static readonly int[] CodeOrder =
        [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly byte[] _input;
    private readonly long _limit;
    private readonly List<byte> _window;
    private int _windowStart;
    private int _bit;

    private NaiveInflater(byte[] input, IEnumerable<byte> window, long limit)
    {
        _input = input;
        _limit = limit;
        _window = [.. window];
        Before = _window.Count;
    }

    /// <summary>How a piece of deflate ends.</summary>
    public enum End
    {
        /// <summary>Between two blocks, on the last byte.</summary>
        Clean,

        /// <summary>Inside a block.</summary>
        Inside,

        /// <summary>The data is corrupt.</summary>
        Corrupt,

        /// <summary>More comes out than the limit allows.</summary>
        TooLong,
    }

    /// <summary>Whether the last block had BFINAL set and nothing followed it.</summary>
    private bool IsAtStart { get; set; } = true;

    private int Before { get; }

    /// <summary>Inflates what has come of a message.</summary>
    /// <param name="input">Its compressed bytes so far.</param>
    /// <param name="isWhole">Whether that is all, so that the tail is to be added.</param>
    /// <param name="window">What earlier messages have left; then with this message added.</param>
    /// <param name="limit">The most that may come out.</param>
    /// <param name="output">What has come out, at most the limit.</param>
    public static End Inflate(byte[] input, bool isWhole, ref byte[] window, long limit, out byte[] output)
    {
        var first = new NaiveInflater(input, window, limit);
        End end = first.Run();
        output = first.Output;
        if (isWhole && end is End.Clean or End.Inside && !first.IsAtStart)
        {
            // RFC 7692 §7.2.2.
            var whole = new NaiveInflater([.. input, 0x00, 0x00, 0xFF, 0xFF], window, limit);
            end = whole.Run() == End.Clean && whole._window.Count == first._window.Count ? End.Clean : End.Corrupt;
            first = whole;
        }

        window = [.. first._window.Skip(first._windowStart)];
        return end;
    }

    private byte[] Output => [.. _window.Skip(Before)];

    private End Run()
    {
        try
        {
            while (_bit < _input.Length * 8)
            {
                IsAtStart = false;
                bool isFinal = Bits(1) == 1;
                Block(Bits(2));
                if (!isFinal)
                    continue;

                // RFC 1951 §3.2.3: the set is complete. What follows is another, with nothing behind it.
                _bit = (_bit + 7) / 8 * 8;
                _windowStart = _window.Count;
                IsAtStart = true;
            }

            return End.Clean;
        }
        catch (EndedException e)
        {
            return e.End;
        }
    }

    private void Block(int type)
    {
        switch (type)
        {
            case 0:
                Stored();
                break;
            case 1:
                Codes(
                    new Huffman([.. Enumerable.Range(0, 288).Select(i => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)]),
                    new Huffman([.. Enumerable.Repeat(5, 32)]));
                break;
            case 2:
                Dynamic();
                break;
            default:
                throw new EndedException(End.Corrupt);
        }
    }

    private void Stored()
    {
        _bit = (_bit + 7) / 8 * 8;
        int length = Bits(16);
        if ((length ^ 0xFFFF) != Bits(16))
            throw new EndedException(End.Corrupt);
        for (; length > 0; length--)
            Put((byte)Bits(8));
    }

    // RFC 1951 §3.2.7.
    private void Dynamic()
    {
        int literals = Bits(5) + 257;
        int distances = Bits(5) + 1;
        int codes = Bits(4) + 4;
        if (literals > 286 || distances > 30)
            throw new EndedException(End.Corrupt);
        int[] lengths = new int[19];
        for (int i = 0; i < codes; i++)
            lengths[CodeOrder[i]] = Bits(3);
        var code = new Huffman(lengths);
        if (!code.IsComplete && !code.IsEmpty)
            throw new EndedException(End.Corrupt);
        List<int> all = [];
        while (all.Count < literals + distances)
        {
            int symbol = code.IsEmpty ? LengthWithoutCode() : Symbol(code);
            int repeated = symbol switch
            {
                16 => 3 + Bits(2),
                17 => 3 + Bits(3),
                18 => 11 + Bits(7),
                _ => 1,
            };
            if ((symbol == 16 && all.Count == 0) || all.Count + repeated > literals + distances)
                throw new EndedException(End.Corrupt);
            all.AddRange(Enumerable.Repeat(symbol < 16 ? symbol : symbol == 16 ? all[^1] : 0, repeated));
        }

        var literal = new Huffman([.. all.Take(literals)]);
        var distance = new Huffman([.. all.Skip(literals)]);
        if (all[256] == 0 || !literal.IsUsable || !(distance.IsUsable || distance.IsEmpty))
            throw new EndedException(End.Corrupt);
        Codes(literal, distance);
    }

    private void Codes(Huffman literal, Huffman distance)
    {
        int symbol;
        while ((symbol = Symbol(literal)) != 256)
        {
            if (symbol < 256)
            {
                Put((byte)symbol);
                continue;
            }

            if (symbol > 285)
                throw new EndedException(End.Corrupt);
            int length = LengthBase[symbol - 257] + Bits(LengthExtra[symbol - 257]);
            int code = Symbol(distance);
            if (code > 29)
                throw new EndedException(End.Corrupt);
            int back = DistanceBase[code] + Bits(DistanceExtra[code]);
            if (back > _window.Count - _windowStart)
                throw new EndedException(End.Corrupt);
            for (; length > 0; length--)
                Put(_window[^back]);
        }
    }

    private void Put(byte value)
    {
        if (_window.Count - Before == _limit)
            throw new EndedException(End.TooLong);
        _window.Add(value);
    }

    // zlib reads a bit for each length of a code that has no symbol, before it notices that nothing ends a block.
    private int LengthWithoutCode()
    {
        Bits(1);
        return 0;
    }

    private int Symbol(Huffman code)
    {
        int value = 0;
        for (int length = 1; length <= 15; length++)
        {
            value = (value << 1) | Bits(1);
            if (code.TryFind(length, value, out int symbol))
                return symbol;

            // Only a code of one symbol, or none, is incomplete: the first bit tells.
            if (!code.IsComplete)
                break;
        }

        throw new EndedException(End.Corrupt);
    }

    private int Bits(int count)
    {
        int value = 0;
        for (int i = 0; i < count; i++, _bit++)
        {
            if (_bit / 8 >= _input.Length)
                throw new EndedException(End.Inside);
            value |= ((_input[_bit / 8] >> (_bit % 8)) & 1) << i;
        }

        return value;
    }

    private sealed class EndedException(End end) : Exception
    {
        public End End { get; } = end;
    }

    // RFC 1951 §3.2.2: codes of one length are consecutive, and shorter ones come first.
    private sealed class Huffman
    {
        private readonly Dictionary<(int Length, int Code), int> _symbols = [];

        public Huffman(int[] lengths)
        {
            int code = 0;
            int free = 1;
            for (int length = 1; length <= 15; length++)
            {
                free *= 2;
                code <<= 1;
                for (int symbol = 0; symbol < lengths.Length; symbol++)
                {
                    if (lengths[symbol] != length)
                        continue;
                    _symbols[(length, code++)] = symbol;
                    free--;
                }
            }

            IsComplete = free == 0;

            // zlib takes one code of one bit, which no second one completes.
            IsUsable = IsComplete || (_symbols.Count == 1 && _symbols.ContainsKey((1, 0)));
        }

        public bool IsComplete { get; }

        public bool IsUsable { get; }

        public bool IsEmpty => _symbols.Count == 0;

        public bool TryFind(int length, int code, out int symbol) => _symbols.TryGetValue((length, code), out symbol);
    }
}
