using System.Buffers;

namespace RawWs.Tests.Protocol.WebSockets;

/// <summary>A pool that hands out exact sizes, fills what comes back with rubbish, and knows what is still
/// out.</summary>
internal sealed class CountingPool : ArrayPool<byte>
{
    private readonly HashSet<byte[]> _rented = new(ReferenceEqualityComparer.Instance);

    public int RentedCount => _rented.Count;

    public long RentedBytes => _rented.Sum(array => (long)array.Length);

    public long PeakBytes { get; private set; }

    public override byte[] Rent(int minimumLength)
    {
        byte[] array = new byte[minimumLength];
        _rented.Add(array);
        PeakBytes = Math.Max(PeakBytes, RentedBytes);
        return array;
    }

    public override void Return(byte[] array, bool clearArray = false)
    {
        Assert.That(_rented.Remove(array), Is.True, "returned twice, or not from this pool");
        array.AsSpan().Fill(0xEE);
    }
}
