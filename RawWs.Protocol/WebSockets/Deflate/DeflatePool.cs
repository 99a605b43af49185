namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>Deflaters and inflaters without a window, lent for one message: what connections without context
/// takeover need between them.</summary>
/// <remarks>Safe for use by several threads. It bounds what is kept, not what is lent: a message is
/// compressed in one go, but an inflater is out for as long as its message is open.</remarks>
public sealed class DeflatePool : IDisposable
{
    private readonly Shelf<Deflater>[] _deflaters;
    private readonly Shelf<Inflater> _inflaters;

    /// <summary>An empty pool.</summary>
    public DeflatePool(DeflateOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        _inflaters = new Shelf<Inflater>(options.MaxPooled);
        _deflaters = new Shelf<Deflater>[WindowBits.Max + 1 - WindowBits.Min];
        for (int i = 0; i < _deflaters.Length; i++)
        {
            _deflaters[i] = new Shelf<Deflater>(options.MaxPooled);
        }
    }

    /// <summary>What the pool was made for.</summary>
    public DeflateOptions Options { get; }

    /// <summary>How many deflaters and inflaters are kept now.</summary>
    public int Count => _inflaters.Count + _deflaters.Sum(shelf => shelf.Count);

    /// <summary>Frees what is kept, and what is still out as it comes back.</summary>
    public void Dispose()
    {
        _inflaters.Close();
        foreach (Shelf<Deflater> shelf in _deflaters)
        {
            shelf.Close();
        }
    }

    internal Deflater RentDeflater(int windowBits) =>
        ShelfOf(windowBits).Take() ?? new Deflater(windowBits, Options.Level);

    // The last message was fully flushed, which has emptied the window.
    internal void Return(Deflater deflater) => ShelfOf(deflater.WindowBits).Put(deflater);

    // The largest window reads what any smaller one has written.
    internal Inflater RentInflater() => _inflaters.Take() ?? new Inflater(WindowBits.Max);

    internal void Return(Inflater inflater)
    {
        inflater.Reset();
        _inflaters.Put(inflater);
    }

    private Shelf<Deflater> ShelfOf(int windowBits) => _deflaters[windowBits - WindowBits.Min];

    private sealed class Shelf<T>(int size)
        where T : class, IDisposable
    {
        private readonly T?[] _items = new T?[size];
        private volatile bool _isClosed;

        public int Count => _items.Count(item => item is not null);

        public T? Take()
        {
            foreach (ref T? place in _items.AsSpan())
            {
                if (place is not null && Interlocked.Exchange(ref place, null) is { } item)
                {
                    return item;
                }
            }

            return null;
        }

        public void Put(T item)
        {
            T? rest = item;
            foreach (ref T? place in _items.AsSpan())
            {
                if (Interlocked.CompareExchange(ref place, item, null) is null)
                {
                    rest = null;
                    break;
                }
            }

            rest?.Dispose();
            if (_isClosed)
            {
                Close();
            }
        }

        public void Close()
        {
            _isClosed = true;
            while (Take() is { } item)
            {
                item.Dispose();
            }
        }
    }
}
