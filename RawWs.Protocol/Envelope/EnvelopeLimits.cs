namespace RawWs.Protocol.Envelope;

/// <summary>How large the parts of an envelope may be. The size of the whole is the message limit's business.</summary>
public sealed record EnvelopeLimits
{
    /// <summary>The limits when nothing is said.</summary>
    public static EnvelopeLimits Default { get; } = new();

    /// <summary>
    /// How deep objects and arrays may nest, the envelope itself being the first; default 128.
    /// Deep nesting costs every reader of the data, not only this one.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 1 to 65,536.</exception>
    public int MaxDepth
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 65_536);
            field = value;
        }
    } = 128;

    /// <summary>
    /// The longest event name, in bytes of UTF-8 after its escapes are decoded; default 256.
    /// Names are looked up, logged and measured, so they must stay short.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 1 to 65,536.</exception>
    public int MaxNameBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 65_536);
            field = value;
        }
    } = 256;
}
